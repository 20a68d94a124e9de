/** What one operation may ask for. Depth and aliases are seen in its text, cost only with its variables. */
import { maxAliasesRule } from '@escape.tech/graphql-armor-max-aliases';
import { maxDepthRule } from '@escape.tech/graphql-armor-max-depth';
import {
  getNamedType,
  isLeafType,
  type DocumentNode,
  type GraphQLError,
  type GraphQLSchema,
  type ValidationContext,
  type ValidationRule,
} from 'graphql';
import { getComplexity, type ComplexityEstimator } from 'graphql-query-complexity';
import { messageOf } from '../../src/domain/errors';
import { DEFAULT_PAGE } from '../relay/connection';
import { limitError } from './errors';

export interface OperationLimits {
  readonly maxDepth: number;
  readonly maxAliases: number;
  /** About the number of objects the answer may hold. */
  readonly maxCost: number;
}

export function limitRules(limits: OperationLimits): ValidationRule[] {
  return [
    maxDepthRule({ n: limits.maxDepth, flattenFragments: true, ignoreIntrospection: true, ...REPORTED }),
    maxAliasesRule({ n: limits.maxAliases, ...REPORTED }),
  ];
}

/** By themselves these rules throw, which graphql-js takes for a fault of the server, not of the operation. */
const REPORTED = {
  propagateOnRejection: false,
  onReject: [
    (context: ValidationContext | null, error: GraphQLError): void =>
      context?.reportError(limitError(error.message.replace(/^Syntax Error: /, ''))),
  ],
};

/** An object costs 1, a page as many as it may hold, a plain value nothing. */
const estimate: ComplexityEstimator = ({ field, args, childComplexity }) => {
  const type = getNamedType(field.type);
  if (type.name.startsWith('__')) return 0;
  if (isLeafType(type)) return 0;
  const first: unknown = args['first'];
  if (first === undefined && !type.name.endsWith('Connection')) return 1 + childComplexity;
  return 1 + childComplexity * (typeof first === 'number' && first > 0 ? first : DEFAULT_PAGE);
};

/** Why the operation asks for too much; null when it does not. */
export function costError(
  schema: GraphQLSchema,
  operation: {
    document: DocumentNode;
    operationName?: string | null;
    variables?: Readonly<Record<string, unknown>> | null;
  },
  maxCost: number,
): GraphQLError | null {
  try {
    const cost = getComplexity({
      schema,
      query: operation.document,
      operationName: operation.operationName ?? undefined,
      variables: { ...operation.variables },
      estimators: [estimate],
    });
    return cost > maxCost
      ? limitError(
          `This operation could return about ${cost} objects; the limit is ${maxCost}. Ask for smaller pages or fewer nested lists.`,
        )
      : null;
  } catch (error) {
    return limitError(messageOf(error));
  }
}
