/** A small, strict reader of XML: throws where a browser would show an error in place of the image. */

export interface Element {
  readonly name: string;
  readonly children: (Element | string)[];
}

const TOKEN =
  /<(\/?)([A-Za-z][\w:-]*)((?:\s+[A-Za-z][\w:-]*="[^"<&]*(?:&(?:amp|lt|gt|quot|#39);[^"<&]*)*")*)\s*(\/?)>|([^<]+)/gy;
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };
/** All that XML 1.0 has a place for. */
const CHARACTERS = /^[\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]*$/u;

export function parseXml(text: string): Element {
  if (!CHARACTERS.test(text)) throw new Error('a character that XML has no place for');
  const root: Element = { name: '', children: [] };
  const open = [root];
  let end = 0;
  for (const match of text.matchAll(TOKEN)) {
    end = match.index + match[0].length;
    const [, closing, name = '', , empty, plain] = match;
    const parent = open.at(-1);
    if (!parent) throw new Error(`too much closed at ${match.index}`);
    if (plain !== undefined) parent.children.push(unescaped(plain));
    else if (closing === '/') {
      if (parent.name !== name) throw new Error(`</${name}> closes <${parent.name}>`);
      open.pop();
    } else {
      const element: Element = { name, children: [] };
      parent.children.push(element);
      if (empty !== '/') open.push(element);
    }
  }
  if (end !== text.length) throw new Error(`not read: ${text.slice(end, end + 80)}`);
  if (open.length !== 1) throw new Error(`<${open.at(-1)?.name}> is not closed`);
  return root;
}

function unescaped(text: string): string {
  return text.replace(/&([^;]*);?/g, (_, name: string) => {
    const character = ENTITIES[name];
    if (character === undefined) throw new Error(`&${name}`);
    return character;
  });
}

/** The text in each element of this name, in order. */
export function textOf(element: Element, name: string): string[] {
  const own = element.name === name ? [allText(element)] : [];
  return [...own, ...element.children.flatMap((child) => (typeof child === 'string' ? [] : textOf(child, name)))];
}

function allText(element: Element): string {
  return element.children.map((child) => (typeof child === 'string' ? child : allText(child))).join('');
}
