/** Files that the inputs of a Schedule or a Trigger name are found when it is defined, and held as long as it names them. */
import { referenceIn } from '../../src/domain/binding';
import type { ScheduleSpec } from '../../src/domain/firing';
import type { FileValue } from '../../src/domain/values';
import { LOCAL_VIEWER } from '../../src/domain/authorize';
import type { PinFiles } from '../../src/engine/firings';
import type { Services } from '../context';
import { fileSources } from '../submissions/submitJobs';

/** Files that one definition may name. */
const MAX_FILES = 1_000;
const MAX_DEPTH = 32;

export function pinFiles(services: Services): PinFiles {
  const sources = fileSources(services, LOCAL_VIEWER);
  return async (inputs, known) => {
    const files: Record<string, FileValue> = {};
    const missing: string[] = [];
    for (const [form, id] of fileIds(inputs)) {
      const held = Object.hasOwn(known, id) ? known[id] : undefined;
      const found = held ?? (form === 'upload' ? await sources.upload(id) : await sources.result(id));
      if (found === null || found === 'OPEN') missing.push(`${form} ${id}`);
      else files[id] = found;
    }
    const problem = missing.length === 0 ? '' : `There is no file behind ${missing.join(', ')}, or it has expired.`;
    return { files, problem };
  };
}

function fileIds(inputs: ScheduleSpec['inputs']): ['upload' | 'result', string][] {
  const found: ['upload' | 'result', string][] = [];
  const walk = (value: unknown, depth: number): void => {
    if (typeof value !== 'object' || value === null || depth > MAX_DEPTH || found.length >= MAX_FILES) return;
    if (referenceIn(value)) return;
    for (const [key, part] of Object.entries(value)) {
      if ((key === 'upload' || key === 'result') && typeof part === 'string') found.push([key, part]);
      else walk(part, depth + 1);
    }
  };
  walk(inputs, 0);
  return found;
}
