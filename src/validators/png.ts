import { createByteReader } from './byteReader';
import { Rejection, shown, type SpecOf, type Validator } from './validator';

const SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex');
const CHECKSUM_BYTES = 4;

/** A PNG image: its signature, a header chunk first, image data, and every chunk up to the end chunk. */
export const png: Validator<SpecOf<'png'>> = async (_spec, { open }) => {
  const bytes = createByteReader(open());
  const signature = await bytes.takeUpTo(SIGNATURE.length);
  if (!signature.equals(SIGNATURE)) {
    throw cutOr(signature, 'The file is not a PNG image: it does not begin with the PNG signature.');
  }
  let hasData = false;
  for (let first = true; ; first = false) {
    const head = await bytes.take(8);
    if (!head) throw truncated();
    const length = head.readUInt32BE(0);
    const type = head.toString('latin1', 4);
    if (!/^[A-Za-z]{4}$/.test(type)) throw new Rejection(`The PNG image is damaged: ${shown(type)} is no chunk type.`);
    if (first !== (type === 'IHDR'))
      throw new Rejection('The PNG image is damaged: its header chunk is not the first, or comes twice.');
    if (type === 'IHDR') {
      const header = await bytes.take(13);
      if (!header) throw truncated();
      if (length !== 13 || header.readUInt32BE(0) === 0 || header.readUInt32BE(4) === 0) {
        throw new Rejection('The PNG image is damaged: its header gives it no width or no height.');
      }
    } else if (!(await bytes.skip(length))) {
      throw truncated();
    }
    if (!(await bytes.skip(CHECKSUM_BYTES))) throw truncated();
    if (type === 'IDAT') hasData = true;
    if (type === 'IEND') break;
  }
  if (!hasData) throw new Rejection('The PNG image is damaged: it has no image data.');
};

function cutOr(found: Buffer, otherwise: string): Rejection {
  const isStart =
    found.length > 0 && found.length < SIGNATURE.length && SIGNATURE.subarray(0, found.length).equals(found);
  return isStart ? truncated() : new Rejection(otherwise);
}

function truncated(): Rejection {
  return new Rejection('The PNG image is truncated: the file ends before its end chunk. Send it again.');
}
