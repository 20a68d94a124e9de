/** Every Job as a typed mutation field of its own. */
import type { GraphQLArgumentConfig, GraphQLFieldConfig, GraphQLInputObjectType, GraphQLObjectType } from 'graphql';
import { GraphQLNonNull } from 'graphql';
import { mutationFieldName } from '../../src/domain/naming';
import type { Catalog } from '../../src/engine/catalog';
import type { Context } from '../context';
import { withUserErrors } from '../relay/userErrors';
import { getSubmissions } from '../submissions/reads';
import type { SubmitOptions } from '../submissions/inputs';
import { submitJobs } from '../submissions/submitJobs';
import type { SubmitPayload } from '../submissions/payloads';
import { jobInputType, underOwnNames, type DataInputs } from './jobInputTypes';

/** The parts of the static schema that the fields are made of. */
export interface JobFieldParts extends DataInputs {
  readonly submitOptions: GraphQLInputObjectType;
  readonly submitPayload: GraphQLObjectType;
}

export type JobFields = Readonly<Record<string, GraphQLFieldConfig<unknown, Context>>>;

/** One field per Job of the catalog. A Job whose types GraphQL refuses is the definer's to mend and must not reach this. */
export function jobFields(catalog: Catalog, parts: JobFieldParts): JobFields {
  return Object.fromEntries(
    [...catalog.jobs.values()].map((entry) => [mutationFieldName(entry.spec.job), jobField(entry.compiled, parts)]),
  );
}

function jobField(
  version: Parameters<typeof submitJobs>[1][number]['version'],
  parts: JobFieldParts,
): GraphQLFieldConfig<unknown, Context> {
  const { job } = version.plan;
  const { type, required, fieldOf } = jobInputType(job, parts);
  const inputOf = new Map(job.inputs.map((one) => [fieldOf.get(one.name), one]));
  const input: Record<string, GraphQLArgumentConfig> =
    type === undefined
      ? {}
      : { input: { type: required ? new GraphQLNonNull(type) : type, description: 'The data and values it runs on.' } };
  return {
    type: new GraphQLNonNull(parts.submitPayload),
    description: job.description || `Runs the job ${job.name}.`,
    args: { ...input, options: { type: parts.submitOptions, description: 'Priority, label, idempotency key.' } },
    resolve: (_root, args: { input?: Record<string, unknown> | null; options?: SubmitOptions | null }, context) =>
      withUserErrors<SubmitPayload>(
        async () => {
          const inputs = Object.fromEntries(
            Object.entries(args.input ?? {}).map(([field, value]) => {
              const one = inputOf.get(field);
              return one ? [one.name, underOwnNames(one.type, value)] : [field, value];
            }),
          );
          const { submissionIds } = await submitJobs(
            context,
            [
              {
                version,
                inputs,
                options: args.options ?? null,
                field: ['options'],
                fieldOf: (name) => ['input', fieldOf.get(name) ?? name],
              },
            ],
            null,
          );
          const [submission] = await getSubmissions(context.services.db, submissionIds);
          return { submission: submission ?? null, userErrors: [] };
        },
        (userErrors) => ({ submission: null, userErrors }),
      ),
  };
}
