import { Arg, Args, Ctx, Mutation, Query, Resolver } from 'type-graphql';
import type { DefinitionSet } from '../../src/domain/definitions';
import { UserErrors, userError, type UserError } from '../../src/domain/errors';
import { API_SOURCE, define, describeSource } from '../../src/engine/define';
import { parseDefinitionObject, parseDefinitions, type Known } from '../../src/formats/parse';
import { formatProblem, type Problem } from '../../src/formats/problem';
import type { Catalog, CatalogEntry } from '../../src/engine/catalog';
import { firerStatus } from '../../src/store/statements/firers';
import type { Context, Services } from '../context';
import { DefineScheduleInput, DefineTriggerInput } from '../firings/inputs';
import { pinFiles } from '../firings/pin';
import { toSchedule, toTrigger } from '../firings/types';
import { DefineResourceInput, toResource } from '../limits/types';
import { PageArgs, pageOfList, type Connection } from '../relay/connection';
import { toId } from '../relay/ids';
import { withUserErrors } from '../relay/userErrors';
import { isPlainObject } from '../../src/formats/forms/form';
import { asForm } from './asForm';
import { requireScripts } from './scriptCheck';
import {
  ApplyDefinitionsInput,
  DefineBackendInput,
  DefineJobInput,
  DefineTaskInput,
  RemoveDefinitionInput,
  type DefinitionKind,
} from './inputs';
import {
  BackendConnection,
  BackendType,
  DefinePayload,
  JobConnection,
  JobType,
  RemoveDefinitionPayload,
  TaskConnection,
  TaskType,
  toBackend,
  toJob,
  toTask,
} from './types';

@Resolver()
export class DefinitionResolver {
  @Query(() => JobConnection, { description: 'Jobs that can be submitted, by name.' })
  jobs(@Args(() => PageArgs) args: PageArgs, @Ctx() { services }: Context): Connection<JobType> {
    const all = [...services.catalog.current().jobs.values()].map(toJob);
    return pageOfList(all, args, services.limits.pageLimit, (job) => job.name);
  }

  @Query(() => JobType, { nullable: true, description: 'One Job by name; null when there is none.' })
  job(
    @Arg('name', () => String, { description: 'Its name.' }) name: string,
    @Ctx() { services }: Context,
  ): JobType | null {
    const entry = services.catalog.current().jobs.get(name);
    return entry ? toJob(entry) : null;
  }

  @Query(() => TaskConnection, { description: 'Tasks that are defined, by name.' })
  tasks(@Args(() => PageArgs) args: PageArgs, @Ctx() { services }: Context): Connection<TaskType> {
    const all = [...services.catalog.current().tasks.values()].map(toTask);
    return pageOfList(all, args, services.limits.pageLimit, (task) => task.name);
  }

  @Query(() => TaskType, { nullable: true, description: 'One Task by name; null when there is none.' })
  task(
    @Arg('name', () => String, { description: 'Its name.' }) name: string,
    @Ctx() { services }: Context,
  ): TaskType | null {
    const entry = services.catalog.current().tasks.get(name);
    return entry ? toTask(entry) : null;
  }

  @Query(() => BackendConnection, { description: 'Backends that are defined, by name.' })
  backends(@Args(() => PageArgs) args: PageArgs, @Ctx() { services }: Context): Connection<BackendType> {
    const all = [...services.catalog.current().backends.values()].map(toBackend);
    return pageOfList(all, args, services.limits.pageLimit, (backend) => backend.name);
  }

  @Mutation(() => DefinePayload, {
    description:
      'Defines Tasks, Jobs, Backends, Resources, Schedules and Triggers from YAML, as a file would. All of it applies, or none.',
  })
  applyDefinitions(
    @Arg('input', () => ApplyDefinitionsInput, { description: 'The text.' }) input: ApplyDefinitionsInput,
    @Ctx() { services }: Context,
  ): Promise<DefinePayload> {
    return applied(services, () => {
      const parsed = parseDefinitions({ name: 'source', text: input.source }, knownBy(services));
      if (!parsed.ok)
        throw new UserErrors(parsed.problems.map((problem) => toError(problem, ['input', 'source'], true)));
      return parsed.set;
    });
  }

  @Mutation(() => DefinePayload, { description: 'Defines a Task, or a new version of it.' })
  defineTask(
    @Arg('input', () => DefineTaskInput, { description: 'The Task.' }) input: DefineTaskInput,
    @Ctx() { services }: Context,
  ): Promise<DefinePayload> {
    return applied(services, () => {
      const parsed = parseDefinitionObject('task', asForm(input), knownBy(services));
      if (!parsed.ok) throw new UserErrors(parsed.problems.map((problem) => toError(problem, ['input'], false)));
      return { backends: [], tasks: [parsed.spec], jobs: [] };
    });
  }

  @Mutation(() => DefinePayload, {
    description: 'Defines a Job, or a new version of it. Its typed mutation is there within a second.',
  })
  defineJob(
    @Arg('input', () => DefineJobInput, { description: 'The Job.' }) input: DefineJobInput,
    @Ctx() { services }: Context,
  ): Promise<DefinePayload> {
    return applied(services, () => {
      const parsed = parseDefinitionObject('job', asForm(input), knownBy(services));
      if (!parsed.ok) throw new UserErrors(parsed.problems.map((problem) => toError(problem, ['input'], false)));
      return { backends: [], tasks: [], jobs: [parsed.spec] };
    });
  }

  @Mutation(() => DefinePayload, { description: 'Defines a Backend, or a new version of it.' })
  defineBackend(
    @Arg('input', () => DefineBackendInput, { description: 'The Backend.' }) input: DefineBackendInput,
    @Ctx() { services }: Context,
  ): Promise<DefinePayload> {
    return applied(services, () => {
      const { options, ...shared } = input;
      const form = { ...(isPlainObject(options) ? options : {}), ...asForm(shared) };
      const parsed = parseDefinitionObject('backend', form, knownBy(services));
      if (!parsed.ok) throw new UserErrors(parsed.problems.map((problem) => toError(problem, ['input'], false)));
      return { backends: [parsed.spec], tasks: [], jobs: [] };
    });
  }

  @Mutation(() => DefinePayload, { description: 'Defines a Schedule, or a new version of it.' })
  defineSchedule(
    @Arg('input', () => DefineScheduleInput, { description: 'The Schedule.' }) input: DefineScheduleInput,
    @Ctx() { services }: Context,
  ): Promise<DefinePayload> {
    return applied(services, () => {
      const parsed = parseDefinitionObject('schedule', asForm(input));
      if (!parsed.ok) throw new UserErrors(parsed.problems.map((problem) => toError(problem, ['input'], false)));
      return { backends: [], tasks: [], jobs: [], schedules: [parsed.spec] };
    });
  }

  @Mutation(() => DefinePayload, { description: 'Defines a Trigger, or a new version of it.' })
  defineTrigger(
    @Arg('input', () => DefineTriggerInput, { description: 'The Trigger.' }) input: DefineTriggerInput,
    @Ctx() { services }: Context,
  ): Promise<DefinePayload> {
    return applied(services, () => {
      const parsed = parseDefinitionObject('trigger', asForm(input));
      if (!parsed.ok) throw new UserErrors(parsed.problems.map((problem) => toError(problem, ['input'], false)));
      return { backends: [], tasks: [], jobs: [], triggers: [parsed.spec] };
    });
  }

  @Mutation(() => DefinePayload, {
    description: 'Defines a Resource, or changes its amount: that holds at once, also for what waits already.',
  })
  defineResource(
    @Arg('input', () => DefineResourceInput, { description: 'The Resource.' }) input: DefineResourceInput,
    @Ctx() { services }: Context,
  ): Promise<DefinePayload> {
    return applied(services, () => {
      const parsed = parseDefinitionObject('resource', asForm(input), knownBy(services));
      if (!parsed.ok) throw new UserErrors(parsed.problems.map((problem) => toError(problem, ['input'], false)));
      return { backends: [], tasks: [], jobs: [], resources: [parsed.spec] };
    });
  }

  @Mutation(() => RemoveDefinitionPayload, {
    description: 'Takes away what the API defined. Submissions that used it go on.',
  })
  removeDefinition(
    @Arg('input', () => RemoveDefinitionInput, { description: 'What.' }) input: RemoveDefinitionInput,
    @Ctx() { services }: Context,
  ): Promise<RemoveDefinitionPayload> {
    return withUserErrors<RemoveDefinitionPayload>(
      async () => {
        await services.catalog.refresh();
        const catalog = services.catalog.current();
        const entry = entriesOf(catalog, input.kind).get(input.name);
        if (!entry)
          throw userError('NOT_FOUND', `There is no ${input.kind.toLowerCase()} ${JSON.stringify(input.name)}.`, [
            'input',
            'name',
          ]);
        if (entry.source !== API_SOURCE) {
          throw userError('CONFLICT', `It is defined in ${describeSource(entry.source)}: take it out there.`, [
            'input',
            'name',
          ]);
        }
        const keep = apiSet(services, (kind, name) => kind !== input.kind || name !== input.name);
        await apply(services, keep, 'replace');
        return { removedId: toId(ID_TYPES[input.kind], input.name), userErrors: [] };
      },
      (userErrors) => ({ removedId: null, userErrors }),
    );
  }
}

const ID_TYPES = {
  BACKEND: 'Backend',
  TASK: 'Task',
  JOB: 'Job',
  SCHEDULE: 'Schedule',
  TRIGGER: 'Trigger',
  RESOURCE: 'Resource',
} as const satisfies Record<DefinitionKind, string>;

function entriesOf(catalog: Catalog, kind: DefinitionKind): ReadonlyMap<string, CatalogEntry<unknown>> {
  const { backends, tasks, jobs, resources, schedules, triggers } = catalog;
  return { BACKEND: backends, TASK: tasks, JOB: jobs, RESOURCE: resources, SCHEDULE: schedules, TRIGGER: triggers }[
    kind
  ];
}

function knownBy(services: Services): Known {
  const { tasks, jobs, backends } = services.catalog.current();
  return {
    tasks: new Map([...tasks].map(([name, entry]) => [name, entry.spec])),
    jobs: new Map([...jobs].map(([name, entry]) => [name, entry.spec.job])),
    backends: new Set(backends.keys()),
  };
}

/** What the API itself has defined so far, filtered. */
function apiSet(services: Services, keep: (kind: DefinitionKind, name: string) => boolean): DefinitionSet {
  const { backends, tasks, jobs, resources, schedules, triggers } = services.catalog.current();
  const own = <T>(all: ReadonlyMap<string, { source: string; spec: T }>, kind: DefinitionKind): T[] =>
    [...all].filter(([name, entry]) => entry.source === API_SOURCE && keep(kind, name)).map(([, entry]) => entry.spec);
  return {
    backends: own(backends, 'BACKEND'),
    tasks: own(tasks, 'TASK'),
    jobs: own(jobs, 'JOB').map((bundle) => bundle.job),
    schedules: own(schedules, 'SCHEDULE'),
    triggers: own(triggers, 'TRIGGER'),
    resources: own(resources, 'RESOURCE'),
  };
}

async function apply(
  services: Services,
  set: DefinitionSet,
  mode: 'add' | 'replace',
): Promise<readonly { kind: string; name: string }[]> {
  const outcome = await define(services, [{ source: API_SOURCE, set, mode }]);
  if (!outcome.ok) {
    throw new UserErrors(
      outcome.problems.map((problem) => ({
        code: 'INVALID_DEFINITION',
        message: `${problem.kind.toLowerCase()} "${problem.name}": ${problem.message}; ${problem.hint}`,
        field: ['input', ...problem.path.map(String)],
      })),
    );
  }
  await services.catalog.refresh();
  return outcome.changed;
}

function applied(services: Services, parse: () => DefinitionSet): Promise<DefinePayload> {
  return withUserErrors<DefinePayload>(
    async () => {
      // Another process may have defined what this one builds on.
      await services.catalog.refresh();
      const set = parse();
      await requireScripts(set, services.checkScript);
      await requireFiles(services, set);
      const changed = await apply(services, set, 'add');
      const catalog = services.catalog.current();
      const names = (kind: string): string[] => changed.filter((one) => one.kind === kind).map((one) => one.name);
      return {
        jobs: names('JOB')
          .flatMap((name) => catalog.jobs.get(name) ?? [])
          .map(toJob),
        tasks: names('TASK')
          .flatMap((name) => catalog.tasks.get(name) ?? [])
          .map(toTask),
        backends: names('BACKEND')
          .flatMap((name) => catalog.backends.get(name) ?? [])
          .map(toBackend),
        resources: names('RESOURCE')
          .flatMap((name) => catalog.resources.get(name) ?? [])
          .map(toResource),
        schedules: names('SCHEDULE')
          .flatMap((name) => catalog.schedules.get(name) ?? [])
          .map(toSchedule),
        triggers: names('TRIGGER')
          .flatMap((name) => catalog.triggers.get(name) ?? [])
          .map(toTrigger),
        userErrors: [],
      };
    },
    (userErrors) => ({ jobs: [], tasks: [], backends: [], resources: [], schedules: [], triggers: [], userErrors }),
  );
}

/** Files that a Schedule or Trigger names are there; those that it named before are held for it. */
async function requireFiles(services: Services, { schedules = [], triggers = [] }: DefinitionSet): Promise<void> {
  const pin = pinFiles(services);
  const firers = [
    ...schedules.map((spec) => ({ kind: 'SCHEDULE' as const, spec })),
    ...triggers.map((spec) => ({ kind: 'TRIGGER' as const, spec })),
  ];
  for (const { kind, spec } of firers) {
    const [status] = await firerStatus(services.db, kind, [spec.name]);
    const { problem } = await pin(spec.inputs, status?.files ?? {});
    if (problem !== '') throw userError('NOT_FOUND', `${spec.name}: ${problem}`, ['input', 'inputs']);
  }
}

function toError(problem: Problem, field: readonly string[], placed: boolean): UserError {
  return {
    code: 'INVALID_DEFINITION',
    message: placed ? formatProblem(problem) : `${problem.message}. ${problem.hint}`,
    field: placed ? field : [...field, ...problem.path.map(String)],
  };
}
