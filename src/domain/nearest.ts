/** Which known name was meant. */
import { distance } from 'fastest-levenshtein';

/** The known word that was most likely meant, if one is near enough. */
export function nearest(written: string, known: readonly string[]): string | undefined {
  const plain = (word: string): string => word.toLowerCase().replace(/[-_ ]/g, '');
  const ranked = known
    .map((word) => ({ word, far: distance(plain(written), plain(word)) }))
    .sort((left, right) => left.far - right.far);
  const [best] = ranked;
  const limit = written.length < 4 ? 1 : Math.max(2, Math.floor(written.length / 3));
  return best && best.far <= limit ? best.word : undefined;
}

/** `Did you mean 'x'? ` or nothing, then the known words. */
export function suggestion(written: string, known: readonly string[], what: string): string {
  const meant = nearest(written, known);
  const list = known.length === 0 ? `There are no ${what}.` : `Known ${what}: ${known.join(', ')}.`;
  return meant === undefined ? list : `Did you mean '${meant}'? ${list}`;
}

/** The names that would have been right: the one that was most likely meant, then a few of them, the likely ones first. */
export function known(what: string, names: Iterable<string>, written: string): string {
  const list = [...names];
  if (list.length === 0) return `There are no ${what}.`;
  const meant = nearest(written, list);
  const alike = (name: string): boolean => name.toLowerCase().startsWith(written.slice(0, 2).toLowerCase());
  const ranked = [...list.filter(alike), ...list.filter((name) => !alike(name))];
  const told = `Known ${what}: ${ranked.slice(0, MAX_NAMES).join(', ')}${list.length > MAX_NAMES ? ', …' : ''}.`;
  return meant === undefined ? told : `Did you mean '${meant}'? ${told}`;
}

/** A message names no more than these. */
const MAX_NAMES = 12;
