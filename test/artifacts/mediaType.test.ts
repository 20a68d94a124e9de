import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sniffMediaType } from '../../src/artifacts/mediaType';

const PNG = Buffer.from('89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489', 'hex');

describe('the media type of a file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'stepcast-media-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each([
    ['the content, whatever the name says', PNG, 'picture.txt', 'image/png'],
    ['the name, for text', 'a,b\n1,2\n', 'table.csv', 'text/csv'],
    ['the name, for JSON', '{}', 'data.json', 'application/json'],
    ['plain text, without a telling name', 'hello', 'README', 'text/plain'],
    ['plain text, when a picture’s name lies', 'hello', 'photo.png', 'text/plain'],
    [
      'plain text, for text in other alphabets that is cut within a character',
      'é'.repeat(2050) + 'aé',
      'x',
      'text/plain',
    ],
    ['nothing in particular, for other bytes', Buffer.from([1, 0, 2, 0]), 'x', 'application/octet-stream'],
    [
      'nothing in particular, when bytes have the name of a picture',
      Buffer.from([1, 0, 2, 0]),
      'x.png',
      'application/octet-stream',
    ],
    [
      'the name, for a format made of XML',
      '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>',
      'x.svg',
      'image/svg+xml',
    ],
    ['plain text, for an empty file', '', 'empty', 'text/plain'],
  ])('comes from %s', async (_why, content, name, expected) => {
    writeFileSync(join(folder, 'file'), content);
    expect(await sniffMediaType(join(folder, 'file'), name)).toBe(expected);
  });
});
