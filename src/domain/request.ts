/** A call of a service as a Task's command, as plain data. */

/** A piece of text: as it stands, the value of an input or Parameter, or the StepRun's id. */
export type RequestTextPart =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'value'; readonly name: string }
  | { readonly kind: 'id' };

export type RequestText = readonly RequestTextPart[];

/** JSON with values in it. A text that is one value and nothing else becomes that value, with its type. */
export type RequestTemplate =
  | { readonly kind: 'constant'; readonly value: null | boolean | number }
  | { readonly kind: 'text'; readonly parts: RequestText }
  | { readonly kind: 'list'; readonly items: readonly RequestTemplate[] }
  | { readonly kind: 'object'; readonly fields: readonly RequestField[] };

export interface RequestField {
  readonly name: string;
  readonly value: RequestTemplate;
}

/** What is sent beside the headers. */
export type RequestBody =
  | { readonly kind: 'json'; readonly value: RequestTemplate }
  | { readonly kind: 'text'; readonly text: RequestText }
  /** As a web form without files sends it. */
  | { readonly kind: 'form'; readonly fields: readonly RequestField[] }
  /** As a web form with files sends it: a field that is one input of Files is those Files. */
  | { readonly kind: 'multipart'; readonly fields: readonly RequestField[] }
  /** The content of the File at this input. */
  | { readonly kind: 'file'; readonly port: string };

/** Statuses from and to, both included. */
export interface StatusRange {
  readonly from: number;
  readonly to: number;
}

/** Where an output comes from in the response. */
export type ResponsePart =
  /** The value at this JSON pointer (RFC 6901); the empty pointer is the whole body. */
  | { readonly kind: 'json'; readonly pointer: string }
  | { readonly kind: 'text' }
  | { readonly kind: 'status' }
  | { readonly kind: 'header'; readonly name: string }
  /** The body as a File; without a name it is called like the output, with the ending of its media type. */
  | { readonly kind: 'file'; readonly name?: string };

export interface RequestSpec {
  readonly method: string;
  /** Such as `https://example.org:8443`; undefined: that of the Backend, below its own path. */
  readonly origin?: string;
  /** Percent-encoded where it is literal. */
  readonly path: RequestText;
  /** A list gives its name once for each item, a missing value nothing. */
  readonly query: readonly RequestField[];
  readonly headers: readonly RequestField[];
  readonly body?: RequestBody;
  /** Statuses that are success. */
  readonly expect: readonly StatusRange[];
  /** Statuses after which another try may help. */
  readonly temporary: readonly StatusRange[];
  /** By output port. */
  readonly response: Readonly<Record<string, ResponsePart>>;
}

export const isIn = (ranges: readonly StatusRange[], status: number): boolean =>
  ranges.some(({ from, to }) => status >= from && status <= to);

/** The names of all inputs and Parameters in a text. */
export const namesInText = (text: RequestText): string[] =>
  text.flatMap((part) => (part.kind === 'value' ? [part.name] : []));

/** The name of the one input or Parameter that the text is, if it is nothing else. */
export function soleName(parts: RequestText): string | undefined {
  const [only, ...others] = parts;
  return only?.kind === 'value' && others.length === 0 ? only.name : undefined;
}
