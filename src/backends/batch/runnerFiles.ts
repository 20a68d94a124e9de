/** What the runner's files say. Pure. */
import { constants } from 'node:os';

/** How the command ended, as its runner saw it. */
export type RunnerEnd = RunnerFigures &
  (
    | { readonly how: 'code'; readonly code: number }
    | { readonly how: 'signal'; readonly signal: string }
    | { readonly how: 'refused'; readonly reason: string }
  );

interface RunnerFigures {
  readonly cpuMs: number | null;
  /** The most memory that the command and its children had together, when it lived long enough to be seen. */
  readonly peakBytes: number | null;
  /** The runner was told to end: by a cancel, a time limit, or somebody else. */
  readonly stopped: boolean;
  /** How much the command wrote, so that a reader on another machine knows when it has it all. */
  readonly sizes: { readonly stdout: number; readonly stderr: number } | null;
}

/** Reads the runner's note of the end; null as long as it is not all there. */
export function parseEnd(text: string): RunnerEnd | null {
  if (!/^end\n$/m.test(text)) return null;
  const lines = new Map(
    text.split('\n').map((line): [string, readonly string[]] => {
      const [key = '', ...rest] = line.split(' ');
      return [key, rest];
    }),
  );
  const number = (key: string, at = 0): number | null => {
    const word = lines.get(key)?.[at];
    return word !== undefined && /^\d+$/.test(word) ? Number(word) : null;
  };
  const [stdout, stderr] = [number('sizes', 0), number('sizes', 1)];
  const peak = number('peak');
  const figures: RunnerFigures = {
    cpuMs: cpuMsOf(text),
    peakBytes: peak === null || peak === 0 ? null : peak * 1024,
    stopped: (lines.get('stopped')?.[0] ?? '') !== '',
    sizes: stdout === null || stderr === null ? null : { stdout, stderr },
  };
  const reason = lines.get('refused')?.[0];
  if (reason !== undefined) return { ...figures, how: 'refused', reason };
  const signal = number('signal');
  if (signal !== null) return { ...figures, how: 'signal', signal: signalName(signal) };
  const code = number('code');
  return code === null ? null : { ...figures, how: 'code', code };
}

/** The name of a signal of this system, such as SIGKILL. */
export function signalName(number: number): string {
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0] ?? `signal ${number}`;
}

/** From the two lines of `times`: the shell's own and its children's user and system time, such as `0m1.250s 0m0.040s`. */
function cpuMsOf(text: string): number | null {
  const lines = [...text.matchAll(/^(\d+)m(\d+[.,]\d+)s (\d+)m(\d+[.,]\d+)s$/gm)];
  const [, userMinutes, userSeconds, systemMinutes, systemSeconds] = lines[1] ?? [];
  if (userSeconds === undefined || systemSeconds === undefined) return null;
  const seconds = (text: string): number => Number(text.replace(',', '.'));
  const minutes = Number(userMinutes) + Number(systemMinutes);
  return Math.round((minutes * 60 + seconds(userSeconds) + seconds(systemSeconds)) * 1000);
}
