// @ts-check
/** A query that failed, in words for its author. */

const OUT_OF_MEMORY = /^Out of Memory Error/;
const SAYS_LINE = /^LINE \d+:/m;
/** The engine's advice is about settings that a query cannot change here. */
const ADVICE = /\n+Possible solutions:[\s\S]*$/;

export class QueryFailure extends Error {
  /**
   * @param {string} message
   * @param {{ outOfMemory?: boolean }} [facts]
   */
  constructor(message, { outOfMemory = false } = {}) {
    super(message);
    this.outOfMemory = outOfMemory;
  }

  /** The first line. */
  get summary() {
    return this.message.split('\n', 1)[0] ?? '';
  }

  /**
   * What the engine said about a statement, with the line of the query.
   * @param {unknown} error
   * @param {{ line?: number, notTables?: Readonly<Record<string, string>> }} [place]
   */
  static of(error, { line, notTables = {} } = {}) {
    if (error instanceof QueryFailure) return error;
    const said = (error instanceof Error ? error.message : String(error)).replace(ADVICE, '').trim();
    const where = line === undefined || SAYS_LINE.test(said) ? '' : `\n\nIn the statement that begins on line ${line}.`;
    const missing = /Table with name (\S+) does not exist/.exec(said)?.[1];
    const known = Object.keys(notTables).find((name) => name.toLowerCase() === missing?.toLowerCase());
    const why = known === undefined ? '' : `\n\nThere is no table ${known}: ${notTables[known]}.`;
    return new QueryFailure(said + where + why, { outOfMemory: OUT_OF_MEMORY.test(said) });
  }
}
