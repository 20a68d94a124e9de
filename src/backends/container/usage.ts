/** What a container uses, asked of the engine now and then: soon at first, rarely later. */
import type { EngineApi } from './api';

export interface UsageWatch {
  /** The highest and the last that was seen; null when it was over before anybody looked. */
  seen(): { readonly cpuMs: number | null; readonly memoryBytes: number | null };
  end(): void;
}

const FIRST_SAMPLES_MS = [200, 1_000, 3_000] as const;
const LATER_SAMPLES_MS = 5_000;

interface Stats {
  readonly cpu_stats?: { readonly cpu_usage?: { readonly total_usage?: number } };
  readonly memory_stats?: {
    readonly usage?: number;
    readonly stats?: { readonly inactive_file?: number; readonly total_inactive_file?: number };
  };
}

/** Faults are passed over: what is not known is told as such. */
export function sampleUsage(api: EngineApi, name: string): UsageWatch {
  const asking = new AbortController();
  let cpuMs: number | null = null;
  let memoryBytes: number | null = null;
  let samples = 0;
  let timer: NodeJS.Timeout | undefined;

  const look = async (): Promise<void> => {
    const query = { stream: 'false', 'one-shot': 'true' };
    try {
      take((await api.call('GET', `/containers/${name}/stats`, { query, signal: asking.signal })) as Stats);
    } catch {
      // the next one may do
    }
    arm();
  };
  const take = ({ cpu_stats: cpu, memory_stats: memory }: Stats): void => {
    const used = cpu?.cpu_usage?.total_usage;
    if (used) cpuMs = Math.max(cpuMs ?? 0, used / 1e6);
    if (!memory?.usage) return;
    // Pages of files that nobody has used for a while are given back when there is need.
    const cache = memory.stats?.inactive_file ?? memory.stats?.total_inactive_file ?? 0;
    memoryBytes = Math.max(memoryBytes ?? 0, memory.usage - cache);
  };
  const arm = (): void => {
    if (asking.signal.aborted) return;
    timer = setTimeout(() => void look(), FIRST_SAMPLES_MS[samples] ?? LATER_SAMPLES_MS);
    timer.unref();
    samples += 1;
  };

  arm();
  return {
    seen: () => ({ cpuMs, memoryBytes }),
    end: () => {
      clearTimeout(timer);
      asking.abort();
    },
  };
}
