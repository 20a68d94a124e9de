/**
 * Equal work is done once. Before an Attempt starts its process it is decided here whether it runs, takes the result of an
 * earlier run, or leaves the work to another Attempt that does it just now.
 */
import { fingerprintOf, fingerprintParts, sharesResults } from '../domain/fingerprint';
import { filesIn } from '../domain/values';
import {
  claimWork,
  lookAtWork,
  noteTaken,
  replaceWork,
  succeededParts,
  takeWorkOver,
  waitersToWake,
  type ClaimedWork,
  type EarlierRun,
  type WorkClaim,
} from '../store/statements/reuse';
import { groupBy } from './advance';
import { worksOf, type Work } from './claim';
import type { EngineDependencies } from './complete';
import { changeStepRuns } from './changeStepRuns';
import { endUnrun, queue } from './transition';

export type ReuseDecision =
  /** It runs. `after` is told to `workEnded` when its end is recorded. */
  | { readonly kind: 'run'; readonly after: WorkAfter | null; readonly note: string }
  | { readonly kind: 'take'; readonly from: EarlierRun; readonly fingerprint: string }
  /** It waits, and leaves its place to others. */
  | { readonly kind: 'wait'; readonly fingerprint: string; readonly message: string };

/** What follows when an Attempt has ended that ran. */
export interface WorkAfter {
  readonly claim: WorkClaim;
  /** It ran without looking for earlier results, and is the one whose result is taken from now on. */
  readonly replaces: boolean;
}

export interface ReuseDependencies extends Pick<EngineDependencies, 'db' | 'plans'> {
  /** Whether results are taken at all, save for what a re-run takes from its earlier Submission. */
  readonly enabled: boolean;
  /** Whether a content is in the store; if so it stays there until it can be named again. */
  readonly keep: (sha256: string) => Promise<boolean>;
}

/** Whether anything has to be decided; if not, the Work runs without further ado. */
export function takesPart({ enabled }: Pick<ReuseDependencies, 'enabled'>, work: Work): boolean {
  if (work.problems.length > 0) return false;
  if (work.reuse.fromSubmission !== null && !work.reuse.rerun) return true;
  return enabled && sharesResults(work.task, work.backend);
}

/** It runs, and nobody else has to know. */
export const RUN: ReuseDecision = { kind: 'run', after: null, note: '' };

/** One decision for each Work. Those of a claim are decided together, by one statement when none was done before. */
export async function decideReuse(
  dependencies: ReuseDependencies,
  works: readonly Work[],
): Promise<ReadonlyMap<Work, ReuseDecision>> {
  const decisions = new Map<Work, ReuseDecision>();
  const open = works.filter((work) => takesPart(dependencies, work)).map((work) => ({ work, claim: claimOf(work) }));
  for (const [one, from] of await earlierParts(dependencies, open))
    decisions.set(one.work, { kind: 'take', from, fingerprint: one.claim.fingerprint });
  const shared: Candidate[] = [];
  for (const one of open) {
    const { work, claim } = one;
    if (decisions.has(work)) continue;
    if (!dependencies.enabled || !sharesResults(work.task, work.backend)) decisions.set(work, RUN);
    else if (work.reuse.allowed && !work.reuse.rerun) shared.push(one);
    else decisions.set(work, { kind: 'run', after: { claim, replaces: true }, note: '' });
  }
  for (const [work, decision] of await decideShared(dependencies, shared)) decisions.set(work, decision);
  const taken = [...decisions.values()].flatMap((one) => (one.kind === 'take' ? [one.fingerprint] : []));
  if (taken.length > 0) await noteTaken(dependencies.db, taken);
  return new Map(works.map((work) => [work, decisions.get(work) ?? RUN]));
}

interface Candidate {
  readonly work: Work;
  readonly claim: WorkClaim;
}

function claimOf(work: Work): WorkClaim {
  const { stepRunId, attempt, task, backend, values } = work;
  const fingerprint = fingerprintOf(fingerprintParts(task, backend, values));
  return { fingerprint, stepRunId, attempt, taskName: task.name };
}

/** What the Works of re-runs take from their earlier Submissions: results of the same name and of equal work. */
async function earlierParts(
  { db, plans, keep }: ReuseDependencies,
  open: readonly Candidate[],
): Promise<readonly (readonly [Candidate, EarlierRun])[]> {
  const reruns = open.filter(({ work }) => work.reuse.fromSubmission !== null && !work.reuse.rerun);
  const found: (readonly [Candidate, EarlierRun])[] = [];
  for (const [submissionId, own] of groupBy(reruns, ({ work }) => work.reuse.fromSubmission ?? '')) {
    const names = own.map(({ work }) => work.name);
    const parts = await succeededParts(db, submissionId, names);
    const earlier = new Map(
      (await worksOf(db, plans, parts)).map((work, index) => [work.name, { work, part: parts[index] }]),
    );
    for (const one of own) {
      const same = earlier.get(one.work.name);
      if (!same?.part || claimOf(same.work).fingerprint !== one.claim.fingerprint) continue;
      if (await filesAreThere(same.part.done, keep)) found.push([one, same.part.done]);
    }
  }
  return found;
}

/** An entry that comes and goes while it is looked at is looked at so often; then the Work runs by itself. */
const MAX_ROUNDS = 5;

async function decideShared(
  dependencies: ReuseDependencies,
  candidates: readonly Candidate[],
): Promise<ReadonlyMap<Work, ReuseDecision>> {
  const { db } = dependencies;
  const decided = new Map<Work, ReuseDecision>();
  let open = candidates;
  for (let round = 0; round < MAX_ROUNDS && open.length > 0; round += 1) {
    const claimed = await claimWork(
      db,
      open.map(({ claim }) => claim),
    );
    const mine = open.filter(({ claim }) => claimed.has(claim.stepRunId));
    for (const { work, claim } of mine) decided.set(work, { kind: 'run', after: { claim, replaces: false }, note: '' });
    open = open.filter(({ work }) => !decided.has(work));
    if (open.length === 0) break;
    const entries = new Map(
      (
        await lookAtWork(
          db,
          open.map(({ claim }) => claim.fingerprint),
        )
      ).map((entry) => [entry.fingerprint, entry]),
    );
    for (const one of open) {
      const entry = entries.get(one.claim.fingerprint);
      const decision = entry ? await decideAgainst(dependencies, one, entry) : null;
      if (decision) decided.set(one.work, decision);
    }
    open = open.filter(({ work }) => !decided.has(work));
  }
  for (const { work } of open) decided.set(work, RUN);
  return decided;
}

/** Null: the entry has changed meanwhile, and is to be looked at again. */
async function decideAgainst(
  { db, keep }: ReuseDependencies,
  { work, claim }: Candidate,
  entry: ClaimedWork,
): Promise<ReuseDecision | null> {
  const { fingerprint } = claim;
  if (entry.isRunning && entry.stepRunId !== claim.stepRunId)
    return { kind: 'wait', fingerprint, message: `Waits for ${runName(entry, work)}, which does the same work.` };
  const { done } = entry;
  if (done && (await filesAreThere(done, keep))) return { kind: 'take', from: done, fingerprint };
  if (!(await takeWorkOver(db, claim, entry))) return null;
  const note = done
    ? `The same work was done by ${runName(done, work)}, but files of its result are gone: it runs again.`
    : '';
  return { kind: 'run', after: { claim, replaces: false }, note };
}

/** A run as it is called in messages of the Work `own`. */
export function runName(
  { name, jobName, submissionId }: Pick<EarlierRun, 'name' | 'jobName' | 'submissionId'>,
  own: Pick<Work, 'submissionId'>,
): string {
  const whose = submissionId === own.submissionId ? 'this submission' : `another submission of "${jobName}"`;
  return `step "${name}" of ${whose}`;
}

async function filesAreThere(run: EarlierRun, keep: ReuseDependencies['keep']): Promise<boolean> {
  const contents = new Set(filesIn(run.outputs).map(({ sha256 }) => sha256));
  for (const sha256 of contents) if (!(await keep(sha256))) return false;
  return true;
}

/** Attempts that ran have ended, and that is recorded: who waited for them goes on. */
export async function workEnded(engine: EngineDependencies, ended: readonly WorkAfter[]): Promise<void> {
  if (ended.length === 0) return;
  const replacing = ended.filter(({ replaces }) => replaces).map(({ claim }) => claim);
  if (replacing.length > 0) await replaceWork(engine.db, replacing);
  await wakeWaiters(
    engine,
    ended.map(({ claim }) => claim.fingerprint),
  );
}

/** StepRuns that one pass wakes. */
const WOKEN_AT_ONCE = 500;

/** Makes StepRuns ready that wait for equal work which has ended; null: whatever they wait for. Returns how many. */
export async function wakeWaiters(engine: EngineDependencies, fingerprints: readonly string[] | null): Promise<number> {
  const waiters = await waitersToWake(engine.db, fingerprints, WOKEN_AT_ONCE);
  return changeStepRuns(engine, waiters, (transition, view) => {
    if (view.state !== 'RETRYING') return Promise.resolve(false);
    if (transition.ending === null) queue(transition, view);
    else endUnrun(transition, view, 'CANCELLED', 'Not run: the submission is ending.');
    return Promise.resolve(true);
  });
}
