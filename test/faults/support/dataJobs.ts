/** Jobs whose graph is shaped by data while they run: scatters, jobs in jobs, conditions, steps without a process. */

/** Elements of the two kinds of scatter: with a process each, and without. */
export const widthOf = {
  processes: (start: number): number => 20 + (start % 40),
  inline: (start: number): number => 50 + (start % 250),
};
/** Elements of the scatter over a nested job. */
export const NESTED_WIDTH = 6;

const list = (name: string, width: string): string => `task: ${name}
expression: '\${ return { list: Array.from({ length: ${width} }, (_, i) => inputs.start + i) }; }'
parameters: { start: { type: int } }
outputs: { list: { type: 'int[]' } }`;

export const DATA_TASKS = [
  list('some-numbers', '20 + inputs.start % 40'),
  list('many-numbers', '50 + inputs.start % 250'),
  list('few-numbers', String(NESTED_WIDTH)),
  `task: inline-add-one
expression: '\${ return { result: inputs.value + 1 }; }'
parameters: { value: { type: int } }
outputs: { result: { type: int } }`,
  `task: sum
expression: '\${ return { result: inputs.list.reduce((a, b) => a + b, 0) }; }'
inputs: { list: 'int[]' }
outputs: { result: { type: int } }`,
];

const INPUTS = 'inputs: { ledger: string, start: int }';
const ADD_ONE = (value: string): string => `task: add-one, in: { ledger: ledger, value: ${value} }`;

export const DATA_JOBS = [
  `job: wide
${INPUTS}
steps:
  list: { task: some-numbers, in: { start: start } }
  each: { ${ADD_ONE('list.list')}, scatter: value }
  sum: { task: sum, in: { list: each.result } }
outputs: { value: sum.result }`,
  `job: inline
${INPUTS}
steps:
  begin: { ${ADD_ONE('start')} }
  list: { task: many-numbers, in: { start: begin.result } }
  each: { task: inline-add-one, in: { value: list.list }, scatter: value }
  sum: { task: sum, in: { list: each.result } }
outputs: { value: sum.result }`,
  `job: inner
${INPUTS}
steps:
  first: { ${ADD_ONE('start')} }
  second: { task: inline-add-one, in: { value: first.result } }
outputs: { value: second.result }`,
  `job: nested
${INPUTS}
steps:
  list: { task: few-numbers, in: { start: start } }
  each:
    job: inner
    in: { ledger: ledger, start: list.list }
    scatter: start
    when: '$(inputs.start % 2 == 0)'
  sum: { task: sum, in: { list: { from: each.value, pick: all } } }
outputs: { value: sum.result }`,
  `job: conditional
${INPUTS}
steps:
  first: { ${ADD_ONE('start')} }
  maybe: { ${ADD_ONE('first.result')}, when: '$(inputs.value % 2 == 0)' }
  whole: { job: inner, in: { ledger: ledger, start: { from: [maybe.result, first.result], pick: first } } }
outputs: { value: whole.value }`,
  `job: failing-wide
${INPUTS}
steps:
  list: { task: some-numbers, in: { start: start } }
  each: { task: give-up-sometimes, in: { ledger: ledger, value: list.list }, scatter: value }
  never: { task: sum, in: { list: each.result } }
outputs: { value: never.result }`,
];

const numbers = (start: number, width: number): number[] => Array.from({ length: width }, (_, index) => start + index);
const sum = (list: readonly number[]): number => list.reduce((total, one) => total + one, 0);

/** What these jobs come to. */
export const dataValues = {
  wide: (start: number): number => sum(numbers(start, widthOf.processes(start)).map((one) => one + 1)),
  inline: (start: number): number => sum(numbers(start + 1, widthOf.inline(start + 1)).map((one) => one + 1)),
  nested: (start: number): number =>
    sum(
      numbers(start, NESTED_WIDTH)
        .filter((one) => one % 2 === 0)
        .map((one) => one + 2),
    ),
  conditional: (start: number): number => ((start + 1) % 2 === 0 ? start + 4 : start + 3),
};
