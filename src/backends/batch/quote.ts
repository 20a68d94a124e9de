/** Text as one word of a shell, whatever it holds: nothing in it has a meaning. It must not hold NUL characters. */
export const quote = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;
