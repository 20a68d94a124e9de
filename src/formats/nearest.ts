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
