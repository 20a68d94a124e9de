/** From the written forms of limits to their full form. */
/** `max-running` as a part of a full form; nothing when it is not given. */
export function maxRunningOf(form: { readonly 'max-running'?: number | undefined }): { readonly maxRunning?: number } {
  return form['max-running'] === undefined ? {} : { maxRunning: form['max-running'] };
}

/** `uses` as a part of a full form; nothing when it is not given, or names nothing. */
export function usesOf(form: { readonly uses?: Readonly<Record<string, number>> | undefined }): {
  readonly uses?: Readonly<Record<string, number>>;
} {
  return form.uses === undefined || Object.keys(form.uses).length === 0 ? {} : { uses: form.uses };
}
