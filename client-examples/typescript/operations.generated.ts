/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core';
/** What will be sent. */
export type CreateUploadInput = {
  /** Its media type; found from the content if not given. */
  mediaType?: string | null | undefined;
  /** The file name that the tasks will see. */
  name: string;
  /** Its size in bytes, if known: a file that is too large is then refused here. */
  size?: number | null | undefined;
};

/** What happened. */
export type EventType =
  /** A worker died or fell silent while it ran this. */
  | 'ATTEMPT_LOST'
  /** Someone asked to cancel. */
  | 'CANCEL_REQUESTED'
  /** A command reported progress. */
  | 'STEP_PROGRESS'
  /** A StepRun is in a new state. */
  | 'STEP_STATE'
  /** Paused: what runs goes on, nothing new starts. */
  | 'SUBMISSION_PAUSED'
  /** It had failed or was cancelled, and goes on from what succeeded. */
  | 'SUBMISSION_RESUMED'
  /** The Submission is in a new state. */
  | 'SUBMISSION_STATE'
  /** It goes on after a pause. */
  | 'SUBMISSION_UNPAUSED';

/** HIGH goes before NORMAL before LOW; waiting raises, so that LOW never starves. */
export type Priority =
  /** Before all others. */
  | 'HIGH'
  /** When nothing else waits, or after a minute or two. */
  | 'LOW'
  /** The usual. */
  | 'NORMAL';

/** Where a Submission stands. SUCCEEDED, FAILED and CANCELLED are final. */
export type SubmissionState =
  /** Cancelled, and nothing runs any more. */
  | 'CANCELLED'
  /** Cancelled; a worker is still stopping a step. */
  | 'CANCELLING'
  /** A step failed for good. */
  | 'FAILED'
  /** Stored; no step has started. */
  | 'QUEUED'
  /** A step has started. */
  | 'RUNNING'
  /** All that should run has run. */
  | 'SUCCEEDED';

/** One Submission of a Job that is chosen at run time. */
export type SubmitJobInput = {
  /** Values by input name. Files are objects as in `FileInput`: `{"text": {"text": "…"}, "min-length": 3}`. */
  inputs?: unknown;
  /** The name of the Job. */
  job: string;
  /** Priority, label, idempotency key. */
  options?: SubmitOptions | null | undefined;
};

/** How to submit, beside the data. */
export type SubmitOptions = {
  /** Any text up to 200 characters. The same key again gives the same Submission and stores nothing. */
  idempotencyKey?: string | null | undefined;
  /** Your own words, up to 200 characters, to find it by. */
  label?: string | null | undefined;
  /** NORMAL if not given. */
  priority?: Priority | null | undefined;
  /** False: every step runs, whatever equal work was done before. True if not given. */
  reuse?: boolean | null | undefined;
  /** Seconds after which the Submission is ended as FAILED, with all that runs of it. A Job's own timeout holds as well. */
  timeoutSeconds?: number | null | undefined;
};

export type UploadMutationVariables = Exact<{
  input: CreateUploadInput;
}>;

export type UploadMutation = {
  createUpload: { upload: { id: string; url: string } | null; userErrors: Array<{ message: string }> };
};

export type SubmitMutationVariables = Exact<{
  input: SubmitJobInput;
}>;

export type SubmitMutation = {
  submitJob: { submission: { id: string } | null; userErrors: Array<{ message: string; field: Array<string> }> };
};

export type EventsSubscriptionVariables = Exact<{
  id: string;
  after?: number | null | undefined;
}>;

export type EventsSubscription = {
  submissionEvents: {
    seq: number;
    type: EventType;
    state: string | null;
    stepName: string | null;
    percent: number | null;
    message: string;
  };
};

export type ResultsQueryVariables = Exact<{
  id: string;
  after?: string | null | undefined;
}>;

export type ResultsQuery = {
  submission: {
    state: SubmissionState;
    message: string;
    results: {
      nodes: Array<{ name: string; stepName: string | null; size: number; url: string }>;
      pageInfo: { hasNextPage: boolean; endCursor: string | null };
    };
  };
};

export class TypedDocumentString<TResult, TVariables>
  extends String
  implements DocumentTypeDecoration<TResult, TVariables>
{
  __apiType?: NonNullable<DocumentTypeDecoration<TResult, TVariables>['__apiType']>;
  private value: string;
  public __meta__?: Record<string, any> | undefined;

  constructor(value: string, __meta__?: Record<string, any> | undefined) {
    super(value);
    this.value = value;
    this.__meta__ = __meta__;
  }

  override toString(): string & DocumentTypeDecoration<TResult, TVariables> {
    return this.value;
  }
}

export const UploadDocument = new TypedDocumentString(`
    mutation Upload($input: CreateUploadInput!) {
  createUpload(input: $input) {
    upload {
      id
      url
    }
    userErrors {
      message
    }
  }
}
    `) as unknown as TypedDocumentString<UploadMutation, UploadMutationVariables>;
export const SubmitDocument = new TypedDocumentString(`
    mutation Submit($input: SubmitJobInput!) {
  submitJob(input: $input) {
    submission {
      id
    }
    userErrors {
      message
      field
    }
  }
}
    `) as unknown as TypedDocumentString<SubmitMutation, SubmitMutationVariables>;
export const EventsDocument = new TypedDocumentString(`
    subscription Events($id: ID!, $after: Int) {
  submissionEvents(id: $id, after: $after) {
    seq
    type
    state
    stepName
    percent
    message
  }
}
    `) as unknown as TypedDocumentString<EventsSubscription, EventsSubscriptionVariables>;
export const ResultsDocument = new TypedDocumentString(`
    query Results($id: ID!, $after: String) {
  submission(id: $id) {
    state
    message
    results(after: $after) {
      nodes {
        name
        stepName
        size
        url
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
}
    `) as unknown as TypedDocumentString<ResultsQuery, ResultsQueryVariables>;
