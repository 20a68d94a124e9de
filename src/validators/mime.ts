import { mediaTypeOf, SNIFFED_BYTES } from '../artifacts/mediaType';
import { createByteReader } from './byteReader';
import { Rejection, type SpecOf, type Validator } from './validator';

/** The media type, told by the content first, is one of `types`; `image/*` stands for all images. */
export const mime: Validator<SpecOf<'mime'>> = async ({ types }, { file, open }) => {
  const start = await createByteReader(open()).takeUpTo(SNIFFED_BYTES);
  const found = await mediaTypeOf(start, file.name);
  const accepted = types.some(
    (type) => type === '*/*' || type === found || (type.endsWith('/*') && found.startsWith(type.slice(0, -1))),
  );
  if (!accepted) throw new Rejection(`The content looks like ${found}; expected is ${types.join(' or ')}.`);
};
