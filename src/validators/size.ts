import { formatBytes } from '../artifacts/formatBytes';
import { Rejection, type SpecOf, type Validator } from './validator';

/** The file's size is within both bounds. */
export const size: Validator<SpecOf<'size'>> = ({ minBytes, maxBytes }, { file }) => {
  const found = `The file has ${formatBytes(file.size)}`;
  if (minBytes !== undefined && file.size < minBytes)
    throw new Rejection(`${found}; at least ${formatBytes(minBytes)} are needed.`);
  if (maxBytes !== undefined && file.size > maxBytes)
    throw new Rejection(`${found}; at most ${formatBytes(maxBytes)} are allowed.`);
};
