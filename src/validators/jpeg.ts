import { createByteReader, type ByteReader } from './byteReader';
import { Rejection, type SpecOf, type Validator } from './validator';

const MARKER = 0xff;
const START = 0xffd8;
const END_OF_IMAGE = 0xd9;
const START_OF_SCAN = 0xda;

/** A JPEG image: its start marker, a frame with a width, a scan, and every segment up to the end marker. */
export const jpeg: Validator<SpecOf<'jpeg'>> = async (_spec, { open }) => {
  const bytes = createByteReader(open());
  const start = await bytes.takeUpTo(2);
  if (start.length < 2 || start.readUInt16BE(0) !== START) {
    throw new Rejection('The file is not a JPEG image: it does not begin with the JPEG start marker.');
  }
  let hasFrame = false;
  let hasScan = false;
  let marker = await nextMarker(bytes, false);
  while (marker !== END_OF_IMAGE) {
    // Markers without a segment: TEM and the restarts.
    const isAlone = marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8);
    if (!isAlone) {
      const length = (await need(bytes, 2)).readUInt16BE(0);
      if (length < 2) throw new Rejection('The JPEG image is damaged: a segment gives itself no length.');
      if (isFrame(marker) && length >= 8) {
        const frame = await need(bytes, 5);
        if (frame.readUInt16BE(3) === 0) throw new Rejection('The JPEG image is damaged: its frame has no width.');
        hasFrame = true;
        await skip(bytes, length - 7);
      } else {
        await skip(bytes, length - 2);
      }
    }
    if (marker === START_OF_SCAN) hasScan = true;
    marker = await nextMarker(bytes, marker === START_OF_SCAN);
  }
  if (!hasFrame || !hasScan) throw new Rejection('The JPEG image is damaged: it ends without an image.');
};

/** Start of frame: C0 to CF without the tables DHT (C4), JPG (C8) and DAC (CC). */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

/** The byte after FF. Inside a scan, FF 00 is data, and FF D0 to FF D7 restart it. */
async function nextMarker(bytes: ByteReader, inScan: boolean): Promise<number> {
  if (!inScan && (await need(bytes, 1)).readUInt8(0) !== MARKER) {
    throw new Rejection('The JPEG image is damaged: a segment does not begin with a marker.');
  }
  if (inScan && !(await bytes.skipPast(MARKER))) throw truncated();
  for (;;) {
    const byte = (await need(bytes, 1)).readUInt8(0);
    if (byte === MARKER) continue;
    const isData = byte === 0x00 || (byte >= 0xd0 && byte <= 0xd7);
    if (!inScan || !isData) return byte;
    if (!(await bytes.skipPast(MARKER))) throw truncated();
  }
}

async function need(bytes: ByteReader, count: number): Promise<Buffer> {
  const taken = await bytes.take(count);
  if (!taken) throw truncated();
  return taken;
}

async function skip(bytes: ByteReader, count: number): Promise<void> {
  if (!(await bytes.skip(count))) throw truncated();
}

function truncated(): Rejection {
  return new Rejection('The JPEG image is truncated: the file ends before its end marker. Send it again.');
}
