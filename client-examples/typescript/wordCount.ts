// Counts the words of a file: upload, submit, follow live, list the results. Every call is typed by the schema.
//
//   npx tsc -p client-examples/typescript
//   node dist/client-examples/wordCount.js examples/word-count/data/moby-dick.txt
import { openAsBlob } from 'node:fs';
import path from 'node:path';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import {
  EventsDocument,
  ResultsDocument,
  SubmitDocument,
  UploadDocument,
  type EventsSubscription,
  type TypedDocumentString,
} from './operations.generated';

const url = process.env['STEPCAST_URL'] ?? 'http://127.0.0.1:4000';

/** One query or mutation. The types of variables and answer follow from the document. */
async function call<Result, Variables>(
  document: TypedDocumentString<Result, Variables>,
  variables: Variables,
): Promise<Result> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: document.toString(), variables }),
  });
  const { data, errors } = (await response.json()) as { data: Result; errors?: { message: string }[] };
  if (errors?.[0]) throw new Error(errors[0].message);
  return data;
}

/** What the user can mend comes as `userErrors` beside the data, not as an error of the call. */
function accepted<T>(value: T | null, userErrors: readonly { message: string }[]): T {
  if (value === null) throw new Error(userErrors.map(({ message }) => message).join('\n'));
  return value;
}

async function upload(file: string): Promise<string> {
  const content = await openAsBlob(file);
  const input = { name: path.basename(file), size: content.size };
  const { createUpload } = await call(UploadDocument, { input });
  const place = accepted(createUpload.upload, createUpload.userErrors);
  // The blob is read while it is sent: the file is never in memory as a whole.
  const sent = await fetch(place.url, { method: 'PUT', body: content });
  if (!sent.ok) throw new Error(`The upload failed: ${await sent.text()}`);
  return place.id;
}

/** All events, first to last. When the connection breaks it goes on behind the last one seen. */
async function* events(id: string): AsyncGenerator<EventsSubscription['submissionEvents']> {
  const client = createClient({
    url: `${url.replace(/^http/, 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
  });
  try {
    for (let after = 0, ended = false; !ended;) {
      try {
        const query = EventsDocument.toString();
        for await (const { data } of client.iterate<EventsSubscription>({ query, variables: { id, after } })) {
          if (!data) continue;
          const event = data.submissionEvents;
          after = event.seq;
          ended = event.type === 'SUBMISSION_STATE' && /SUCCEEDED|FAILED|CANCELLED/.test(event.state ?? '');
          yield event;
        }
      } catch (error) {
        // A list is the server's refusal of the subscription; anything else is a broken connection.
        if (Array.isArray(error)) throw new Error(JSON.stringify(error), { cause: error });
        await new Promise((resolve) => setTimeout(resolve, 1_000));
      }
    }
  } finally {
    await client.dispose();
  }
}

async function main(file: string): Promise<void> {
  const text = await upload(file);
  const { submitJob } = await call(SubmitDocument, {
    input: { job: 'word-count', inputs: { text: { upload: text }, 'min-length': 5 }, options: { label: 'typescript' } },
  });
  const { id } = accepted(submitJob.submission, submitJob.userErrors);

  for await (const { seq, stepName, state, percent } of events(id)) {
    console.log(`${seq}  ${stepName ?? 'submission'}  ${state ?? `${percent ?? 0} %`}`);
  }

  for (let after: string | null | undefined; ;) {
    const { submission } = await call(ResultsDocument, { id, after });
    for (const result of submission.results.nodes) {
      console.log(`${result.stepName}/${result.name}  ${result.size} bytes  ${result.url}`);
    }
    if (!submission.results.pageInfo.hasNextPage) {
      if (submission.state !== 'SUCCEEDED') throw new Error(`${submission.state}: ${submission.message}`);
      return;
    }
    after = submission.results.pageInfo.endCursor;
  }
}

main(process.argv[2] ?? 'examples/word-count/data/moby-dick.txt').catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
