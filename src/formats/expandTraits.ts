/** What a port says of its files, checked against its type. */
import type { FileTraits } from '../domain/definitions';
import type { SecondaryFile } from '../domain/secondaryFiles';
import { formatType, holdsFiles, type ValueType } from '../domain/values';
import type { Path, Report } from './problem';

interface TraitsForm {
  readonly format?: string | undefined;
  readonly secondary?: readonly SecondaryFile[] | undefined;
}

/** Only what was given. */
export function traitsOf(form: TraitsForm, type: ValueType, path: Path, report: Report): FileTraits {
  const { format, secondary } = form;
  if (!holdsFiles(type)) {
    for (const key of ['format', 'secondary'] as const) {
      if (form[key] === undefined) continue;
      report.add(
        [...path, key],
        `only a File has it, and this is ${formatType(type)}`,
        'Remove it, or change the type.',
      );
    }
  }
  return {
    ...(format === undefined ? {} : { format }),
    ...(secondary === undefined ? {} : { secondaryFiles: secondary }),
  };
}
