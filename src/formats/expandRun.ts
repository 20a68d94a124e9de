/** From the written form of how a Task runs to its full form. What nobody wrote is left out, so that old versions stay equal. */
import type { Resources, ResourceWord, RetryPolicy, TaskSpec } from '../domain/definitions';
import { resourceWords } from '../domain/resources';
import type { TaskForm } from './forms/taskForm';
import type { Report } from './problem';

const DEFAULT_RETRY: RetryPolicy = { maxAttempts: 3, initialDelaySeconds: 1, maxDelaySeconds: 300, factor: 2 };
/** Every command has an end; this one when nothing is said. */
const DEFAULT_TIMEOUT_SECONDS = 3600;
/** Memory grows up to so many times what was declared, when no other end is given. */
const DEFAULT_MEMORY_GROWTH = 16;

type RunRules = Pick<
  TaskSpec,
  | 'exitRules'
  | 'retry'
  | 'timeoutSeconds'
  | 'queueTimeoutSeconds'
  | 'stepTimeoutSeconds'
  | 'heartbeatSeconds'
  | 'resources'
>;

export function runRulesOf(form: TaskForm, report: Report): RunRules {
  const { timeout, heartbeat } = form;
  const resources = resourcesOf(form);
  checkTimes(form, report);
  return {
    exitRules: exitRulesOf(form, report),
    retry: retryOf(form, report),
    timeoutSeconds: timeout?.attempt ?? Math.min(DEFAULT_TIMEOUT_SECONDS, timeout?.step ?? Infinity),
    ...(timeout?.queue === undefined ? {} : { queueTimeoutSeconds: timeout.queue }),
    ...(timeout?.step === undefined ? {} : { stepTimeoutSeconds: timeout.step }),
    ...(heartbeat === undefined ? {} : { heartbeatSeconds: heartbeat }),
    ...(Object.keys(resources).length === 0 ? {} : { resources }),
  };
}

/** Which of `$MEMORY`, `$CPUS` … the command may speak of. */
export function declaredResourceWords(form: TaskForm): readonly ResourceWord[] {
  return Object.keys(resourceWords(resourcesOf(form))) as ResourceWord[];
}

function resourcesOf({ resources = {} }: TaskForm): Resources {
  return {
    ...(resources.memory === undefined ? {} : { memoryBytes: resources.memory }),
    ...(resources.cpus === undefined ? {} : { cpus: resources.cpus }),
    ...(resources.disk === undefined ? {} : { diskBytes: resources.disk }),
  };
}

function checkTimes({ timeout, heartbeat }: TaskForm, report: Report): void {
  if (timeout?.step !== undefined && timeout.attempt !== undefined && timeout.attempt > timeout.step) {
    report.add(
      ['timeout', 'attempt'],
      'one attempt may take longer than the whole step',
      'Raise step, or lower attempt.',
    );
  }
  const attempt = timeout?.attempt ?? timeout?.step ?? DEFAULT_TIMEOUT_SECONDS;
  if (heartbeat !== undefined && heartbeat >= attempt) {
    report.add(['heartbeat'], 'the attempt ends before its first heartbeat is due', 'Lower it, or raise the timeout.');
  }
}

function retryOf(form: TaskForm, report: Report): RetryPolicy {
  const retry = form.retry ?? {};
  const base = {
    maxAttempts: retry.attempts ?? DEFAULT_RETRY.maxAttempts,
    initialDelaySeconds: retry['initial-delay'] ?? DEFAULT_RETRY.initialDelaySeconds,
    maxDelaySeconds: retry['max-delay'] ?? DEFAULT_RETRY.maxDelaySeconds,
    factor: retry.factor ?? DEFAULT_RETRY.factor,
  };
  return { ...base, ...retriedOf(form, report), ...growthOf(form, report) };
}

function retriedOf(form: TaskForm, report: Report): Pick<RetryPolicy, 'on'> {
  const on = form.retry?.on;
  if (on === undefined) return {};
  const exitCodes = on.flatMap((one) => ('exitCode' in one ? [one.exitCode] : []));
  const rules = form['exit-codes'];
  for (const code of exitCodes) {
    const list = rules.success.includes(code) ? 'success' : rules.terminate.includes(code) ? 'terminate' : undefined;
    if (list === undefined) continue;
    report.add(['retry', 'on'], `exit code ${code} is in exit-codes, under ${list}`, 'Only a failure is tried again.');
  }
  return {
    on: {
      exitCodes,
      signals: on.flatMap((one) => ('signal' in one ? [one.signal] : [])),
      causes: on.flatMap((one) => ('cause' in one ? [one.cause] : [])),
    },
  };
}

function growthOf(form: TaskForm, report: Report): Pick<RetryPolicy, 'growth'> {
  const growth = form.retry?.grow?.memory;
  if (growth === undefined) return {};
  const memory = form.resources?.memory;
  if (memory === undefined) {
    report.add(
      ['retry', 'grow'],
      'there is no memory that could grow',
      'Add the first one: resources: {memory: 512MB}.',
    );
    return {};
  }
  if (growth.max !== undefined && growth.max <= memory) {
    report.add(
      ['retry', 'grow', 'memory', 'max'],
      'the memory is as much from the start',
      'Raise max, or lower memory.',
    );
  }
  return { growth: { memoryFactor: growth.factor, maxMemoryBytes: growth.max ?? memory * DEFAULT_MEMORY_GROWTH } };
}

function exitRulesOf(form: TaskForm, report: Report): TaskSpec['exitRules'] {
  const rules = form['exit-codes'];
  const seen = new Map<number, string>();
  for (const [list, codes] of Object.entries(rules)) {
    for (const code of codes) {
      const earlier = seen.get(code);
      if (earlier !== undefined)
        report.add(['exit-codes', list], `exit code ${code} is already in ${earlier}`, 'Each code has one meaning.');
      seen.set(code, list);
    }
  }
  return rules;
}
