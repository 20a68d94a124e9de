import { compilePattern } from '../domain/pattern';
import { eachLine } from './textLines';
import { Rejection, shown, type SpecOf, type Validator } from './validator';

/**
 * Every line of the text must contain a match: `^` and `$` are the ends of the line. An empty file counts as one empty
 * line. Patterns run in linear time, so no data makes one hang.
 */
export const regex: Validator<SpecOf<'regex'>> = async (spec, { open }) => {
  const matches = compilePattern(spec.pattern, spec.flags);
  let lines = 0;
  const check = (line: string, number: number): void => {
    lines = number;
    if (matches(line)) return;
    const found = `Line ${number} is ${shown(line)}`;
    throw new Rejection(
      spec.message === undefined ? `${found}; it must match ${spec.pattern}.` : `${spec.message} (${found}.)`,
    );
  };
  await eachLine(open(), check);
  if (lines === 0) check('', 1);
};
