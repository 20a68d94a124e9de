/** Whether the engines behind Backends answer: what one worker finds, and what follows from what all of them found. */

export const HEALTH_STATES = ['READY', 'UNAVAILABLE', 'MISSING'] as const;

/** Whether the engine behind a Backend answers. */
export interface BackendHealth {
  /** MISSING: not installed here. UNAVAILABLE: it does not answer now. A worker takes steps only while it is READY. */
  readonly state: (typeof HEALTH_STATES)[number];
  /** The engine's own version; null when it could not be asked. */
  readonly version: string | null;
  /** What is wrong and how to mend it; empty when nothing is. */
  readonly message: string;
}

/** A message is cut here, and a version there: they are stored with each look, and shown in a line. */
const MAX_MESSAGE = 1_000;
const MAX_VERSION = 200;

/** What a kind or a plug-in told, as it can be stored: Postgres takes no NUL, and a plug-in may tell what is no state. */
export function tidyHealth({ state, version, message }: BackendHealth): BackendHealth {
  const text = (told: string | null | undefined, most: number): string =>
    cut(String(told ?? '').replaceAll('\0', ''), most);
  if (!HEALTH_STATES.includes(state)) {
    const states = HEALTH_STATES.join(', ');
    const wrong = `Its health is ${text(JSON.stringify(state), MAX_VERSION)}, which is no state: a plug-in tells one of ${states}.`;
    return { state: 'UNAVAILABLE', version: null, message: wrong };
  }
  return { state, version: version == null ? null : text(version, MAX_VERSION), message: text(message, MAX_MESSAGE) };
}

const cut = (text: string, most: number): string => (text.length > most ? `${text.slice(0, most)} …` : text);

/** What some live workers found alike. */
export interface HealthFinding extends BackendHealth {
  /** How many found it. */
  readonly workers: number;
  /** The machine of one of them. */
  readonly host: string;
}

/** A Backend as all live workers see it. */
export interface BackendView {
  /** Live workers, whatever they serve. */
  readonly alive: number;
  /** Those that serve its queues. */
  readonly serving: number;
  readonly findings: readonly HealthFinding[];
}

/** The health of a Backend as a whole. UNKNOWN: no live worker can tell. */
export interface HealthSummary extends Omit<BackendHealth, 'state'> {
  readonly state: BackendHealth['state'] | 'UNKNOWN';
}

/** More of what workers found differently than this is not spelled out. */
const MAX_TOLD = 3;

/** One READY worker makes the Backend READY; the message then tells of those that cannot run it. */
export function summarizeHealth(view: BackendView): HealthSummary {
  const state = HEALTH_STATES.find((one) => view.findings.some((finding) => finding.state === one));
  if (state === undefined) return { state: 'UNKNOWN', version: null, message: whyUnknown(view) };
  const version = view.findings.find((one) => one.state === state && one.version !== null)?.version ?? null;
  return { state, version, message: faultsOf(view) };
}

function whyUnknown({ alive, serving }: BackendView): string {
  if (alive === 0) return 'No worker is alive: start one with `npm start` or `npm run worker`.';
  if (serving === 0) return 'No live worker serves it: start one that has it among its --queues.';
  return 'The workers that serve it have not asked it yet.';
}

/** What is wrong on those workers where something is. */
function faultsOf({ findings }: BackendView): string {
  const faults = findings.filter((one) => one.state !== 'READY').sort((a, b) => b.workers - a.workers);
  const [first] = faults;
  if (first && faults.length === 1 && findings.length === 1) return first.message;
  const told = faults.slice(0, MAX_TOLD).map(({ workers, host, message }) => {
    const where = workers === 1 ? `On ${host}` : `On ${workers} workers, such as on ${host}`;
    return `${where}: ${message}`;
  });
  const rest = faults.length - told.length;
  return [...told, ...(rest > 0 ? [`Others have ${rest} more reasons.`] : [])].join(' ');
}

/** Why no live worker takes steps of this Backend, in a sentence; null when one does. */
export function whyNobodyRuns(backend: string, view: BackendView): string | null {
  const { state, message } = summarizeHealth(view);
  if (state === 'READY') return null;
  return view.alive === 0 ? message : `No live worker can run backend \`${backend}\`: ${message}`;
}
