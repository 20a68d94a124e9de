/** The command of a definer's own validator: words, with `$FILE` for the data to check. */
import { splitWords, wordOf } from './words';
import type { Word } from './words';

export type ValidatorWords =
  | { readonly ok: true; readonly argv: readonly string[] }
  | { readonly ok: false; readonly message: string; readonly hint: string };

/** Words as the validator gets them: `$FILE` is left in its place. */
export function validatorWords(run: string | readonly string[]): ValidatorWords {
  const split = typeof run === 'string' ? splitWords(run) : { ok: true as const, words: run.map(wordOf) };
  if (!split.ok) return split;
  if (split.words.length === 0)
    return { ok: false, message: 'the command is empty', hint: "Write such as 'grep -q x $FILE'." };
  const unknown = split.words.flat().find((part) => 'macro' in part && part.macro !== 'FILE');
  if (unknown && 'macro' in unknown) {
    return { ok: false, message: `unknown macro $${unknown.macro}`, hint: 'A validator knows $FILE alone.' };
  }
  const argv = split.words.map(textWithFile);
  if (argv.some((word) => word.includes('$FILE'))) return { ok: true, argv };
  return {
    ok: false,
    message: 'the command never reads the data',
    hint: 'Put $FILE where the path of the data belongs.',
  };
}

function textWithFile(word: Word): string {
  return word.map((part) => ('text' in part ? part.text : '$FILE')).join('');
}
