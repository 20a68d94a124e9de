import { createByteReader, type ByteReader } from './byteReader';
import { Rejection, type SpecOf, type Validator } from './validator';

const EXTENSION = 0x21;
const IMAGE = 0x2c;
const TRAILER = 0x3b;

/** A GIF image: its signature, a screen, at least one image, and every block up to the trailer. */
export const gif: Validator<SpecOf<'gif'>> = async (_spec, { open }) => {
  const bytes = createByteReader(open());
  const signature = (await bytes.takeUpTo(6)).toString('latin1');
  if (signature !== 'GIF87a' && signature !== 'GIF89a') {
    throw new Rejection('The file is not a GIF image: it does not begin with GIF87a or GIF89a.');
  }
  const screen = await need(bytes, 7);
  await skipColours(bytes, screen.readUInt8(4));

  for (let images = 0; ;) {
    const kind = (await need(bytes, 1)).readUInt8(0);
    switch (kind) {
      case EXTENSION:
        await need(bytes, 1);
        await skipSubBlocks(bytes);
        break;
      case IMAGE: {
        const image = await need(bytes, 9);
        if (image.readUInt16LE(4) === 0 || image.readUInt16LE(6) === 0) {
          throw new Rejection('The GIF image is damaged: it has an image without width or height.');
        }
        await skipColours(bytes, image.readUInt8(8));
        // The size of the first code.
        await need(bytes, 1);
        await skipSubBlocks(bytes);
        images += 1;
        break;
      }
      case TRAILER:
        if (images === 0) throw new Rejection('The GIF image is damaged: it ends without an image.');
        return;
      default:
        throw new Rejection(
          `The GIF image is damaged: a block begins with the unknown byte 0x${kind.toString(16).padStart(2, '0')}.`,
        );
    }
  }
};

/** Passes over a colour table, where the flags say that there is one. */
async function skipColours(bytes: ByteReader, flags: number): Promise<void> {
  if ((flags & 0x80) !== 0 && !(await bytes.skip(3 * 2 ** ((flags & 7) + 1)))) throw truncated();
}

async function skipSubBlocks(bytes: ByteReader): Promise<void> {
  for (;;) {
    const length = (await need(bytes, 1)).readUInt8(0);
    if (length === 0) return;
    if (!(await bytes.skip(length))) throw truncated();
  }
}

async function need(bytes: ByteReader, count: number): Promise<Buffer> {
  const taken = await bytes.take(count);
  if (!taken) throw truncated();
  return taken;
}

function truncated(): Rejection {
  return new Rejection('The GIF image is truncated: the file ends before its trailer. Send it again.');
}
