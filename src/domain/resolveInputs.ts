/** From links to values: what a Step gets, and what a Job gives. Pure. */
import picomatch from 'picomatch';
import type { JobPlan, PlanLink, PlanNode } from './compileJob';
import { checkValue } from './typing';
import { filesIn, isOptional, requiredType, type FileValue, type Value, type Values, type ValueType } from './values';

/** The outputs of a node that ended; null when it was skipped. */
export type OutputsOf = (node: number) => Values | null;

/**
 * The values of a node's ports and Parameters, defaults filled in; `problems` names each required one without a value, and
 * each value that is not of its port's type or breaks a Parameter's bounds.
 * A glob takes the files of the latest Step first: one File takes the first match, File[] all of them in order.
 */
export function resolveInputs(
  node: PlanNode,
  inputs: Values,
  outputsOf: OutputsOf,
): { values: Values; problems: string[] } {
  const problems: string[] = [];
  const declared = [
    ...node.task.inputs.map((port) => ({ ...port, required: port.default === undefined && !isOptional(port.type) })),
    ...node.task.parameters.map((one) => ({ ...one, required: one.required && one.default === undefined })),
  ];
  const values = declared.map((port): [string, Value] => {
    const { name, type, default: fallback, required } = port;
    const link = node.links[name];
    const value = (link ? follow(link, type, inputs, outputsOf) : null) ?? fallback ?? null;
    if (value === null && required)
      problems.push(`Input "${name}" of step "${node.name}" has no value${because(link)}.`);
    if (value !== null) {
      const reasons = checkValue(type, 'spacing' in port ? port : {}, value);
      problems.push(...reasons.map((reason) => `Input "${name}" of step "${node.name}": ${reason}.`));
    }
    return [name, value];
  });
  return { values: Object.fromEntries(values), problems };
}

/** The Job's outputs from those of its Steps; a missing or skipped one is null. */
export function jobOutputs(plan: JobPlan, outputsOf: OutputsOf): Values {
  const indexByName = new Map(plan.nodes.map((node) => [node.name, node.index]));
  return Object.fromEntries(
    plan.job.outputs.map((output) => {
      const index = indexByName.get(output.source.step);
      return [output.name, (index === undefined ? null : outputsOf(index)?.[output.source.port]) ?? null];
    }),
  );
}

function follow(link: PlanLink, type: ValueType, inputs: Values, outputsOf: OutputsOf): Value {
  switch (link.kind) {
    case 'value':
      return link.value;
    case 'input':
      return inputs[link.input] ?? null;
    case 'output':
      return outputsOf(link.node)?.[link.port] ?? null;
    case 'glob': {
      const files = globbed(link, inputs, outputsOf);
      return requiredType(type).kind === 'array' ? (files.length > 0 ? files : null) : (files[0] ?? null);
    }
  }
}

function globbed(link: Extract<PlanLink, { kind: 'glob' }>, inputs: Values, outputsOf: OutputsOf): FileValue[] {
  const matches = picomatch(link.glob, { dot: true });
  const latestFirst = [...link.nodes].reverse().map((node) => outputsOf(node) ?? {});
  const sources = link.inputs ? [...latestFirst, inputs] : latestFirst;
  return sources.flatMap((source) => filesIn(source)).filter((file) => matches(file.name));
}

function because(link: PlanLink | undefined): string {
  switch (link?.kind) {
    case 'glob':
      return `: no earlier file matches ${JSON.stringify(link.glob)}`;
    case 'output':
      return `: output "${link.port}" was not produced`;
    case 'input':
      return `: the submission gave no "${link.input}"`;
    case 'value':
    case undefined:
      return '';
  }
}
