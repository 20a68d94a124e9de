/** Which of the steps that wait may start, so that no limit is passed. Pure; who asks holds the limits' locks. */

/** Units that a step occupies while it runs, by the key of the limit (`task:align`, `resource:matlab`). */
export type Needs = Readonly<Record<string, number>>;

/** A limit and how much of it is in use now. */
export interface Usage {
  readonly amount: number;
  readonly used: number;
}

export interface Candidate {
  readonly id: string;
  readonly needs: Needs;
}

/** What the steps of a lane need: the lane is its needs as JSON, and empty for those without limits. */
export function needsOf(lane: string): Needs {
  return lane === '' ? {} : (JSON.parse(lane) as Needs);
}

/**
 * What a step takes of a limit. One that needs more than there is takes all of it, and so runs alone: the limit was lowered
 * after the step was made. Of nothing it cannot take anything.
 */
const share = (need: number, { amount }: Usage): number => (amount === 0 ? need : Math.min(need, amount));

/** How many steps with these needs may start before a limit is passed; Infinity when none concerns them. */
export function roomFor(needs: Needs, usage: ReadonlyMap<string, Usage>): number {
  const rooms = Object.entries(needs).flatMap(([key, need]) => {
    const limit = usage.get(key);
    const each = limit ? share(need, limit) : 0;
    return limit && each > 0 ? [Math.max(0, Math.floor((limit.amount - limit.used) / each))] : [];
  });
  return Math.min(Infinity, ...rooms);
}

/** The limits after `count` steps with these needs have started. */
export function occupied(needs: Needs, usage: ReadonlyMap<string, Usage>, count: number): ReadonlyMap<string, Usage> {
  const after = new Map(usage);
  for (const [key, need] of Object.entries(needs)) {
    const limit = after.get(key);
    if (limit) after.set(key, { ...limit, used: limit.used + count * share(need, limit) });
  }
  return after;
}

/** The limits of `needs` that have no room for it, by key. A key that is not in `usage` has no limit. */
export function lacking(needs: Needs, usage: ReadonlyMap<string, Usage>): string[] {
  return Object.entries(needs).flatMap(([key, need]) => {
    const limit = usage.get(key);
    return limit && limit.used + share(need, limit) > limit.amount ? [key] : [];
  });
}

/**
 * The ids of those that may start, at most `count`, best first as the candidates are. A candidate that finds too little of
 * a limit keeps the rest of it for itself: smaller ones behind it do not overtake it for ever.
 */
export function admit(candidates: readonly Candidate[], usage: ReadonlyMap<string, Usage>, count: number): string[] {
  const current = new Map(usage);
  const admitted: string[] = [];
  for (const { id, needs } of candidates) {
    if (admitted.length === count) break;
    const short = lacking(needs, current);
    for (const key of short) {
      const limit = current.get(key);
      if (limit) current.set(key, { ...limit, used: Math.max(limit.used, limit.amount) });
    }
    if (short.length > 0) continue;
    for (const [key, need] of Object.entries(needs)) {
      const limit = current.get(key);
      if (limit) current.set(key, { ...limit, used: limit.used + share(need, limit) });
    }
    admitted.push(id);
  }
  return admitted;
}

/** Why a step that needs these waits, one sentence for each limit without room: "2 of 2 matlab-licence in use". */
export function waitReasons(needs: Needs, usage: ReadonlyMap<string, Usage>): string[] {
  return lacking(needs, usage).map((key) => {
    const { used, amount } = usage.get(key) ?? { used: 0, amount: 0 };
    const [kind = '', ...rest] = key.split(':');
    const name = rest.join(':');
    const need = needs[key] ?? 1;
    const wanted = need > 1 ? `, ${need} needed` : '';
    switch (kind) {
      case 'resource':
        return `${used} of ${amount} ${name} in use${wanted}`;
      case 'user':
        return `${used} of ${amount} steps of ${name} run`;
      case 'backend':
        return `${used} of ${amount} steps run on backend ${name}`;
      default:
        return `${used} of ${amount} steps of ${kind} ${name} run`;
    }
  });
}
