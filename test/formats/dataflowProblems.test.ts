/** What people write wrong about scatter, conditions, several sources, nested jobs and expressions, and what they are told. */
import { parseDefinitions } from '../../src/formats/parse';
import { formatProblem } from '../../src/formats/problem';

const TASKS = `
task: one
command: cat $I1
inputs: { text: File }
parameters: { min-length: { type: int, default: 1 } }
outputs: { out: { from: stdout, path: o.txt }, n: { from: stderr, read: json, type: int } }
---
task: many
command: cat $I1
inputs: { texts: 'File[]' }
outputs: { out: '*.all' }
---
task: split
command: split $I1
inputs: { text: File }
outputs: { parts: { glob: 'x*', type: 'File[]' } }
---
task: computed
expression: '$({ n: inputs.m })'
inputs: { m: int }
outputs: { n: { type: int } }
---
job: inner
description: A job that steps may run.
inputs: { text: File }
steps: { a: { task: one, in: { text: text } } }
outputs: { out: a.out }
---
`;
const LINES = TASKS.split('\n').length;

function problemsOf(steps: string, inputs = '{ t: File, ts: "File[]" }'): string[] {
  const used =
    'use: { task: many, in: { texts: { from: t, merge: nested } } }, uses: { task: many, in: { texts: ts } }';
  const text = `${TASKS}job: j\ndescription: x\ninputs: ${inputs}\nsteps:\n  { ${used},\n    ${steps} }\n`;
  const parsed = parseDefinitions({ name: 'f.yaml', text });
  if (parsed.ok) return [];
  for (const { line } of parsed.problems) expect(line).toBeGreaterThanOrEqual(LINES);
  return parsed.problems.map((problem) => formatProblem(problem).replace(/^f\.yaml:\d+:\d+: /, ''));
}

describe('of types', () => {
  it.each([
    [
      'a scattered output where one value is expected',
      'e: { task: one, in: { text: ts }, scatter: text }, f: { task: one, in: { text: e.out } }',
      "gives File[] where File is expected: File[] does not fit File. Each 'e' gives a list under scatter. Run this step once for each as well (scatter: text), or take a list.",
    ],
    [
      'a list where one value is expected',
      'e: { task: one, in: { text: ts } }',
      'gives File[] where File is expected: File[] does not fit File. Run this step once for each as well (scatter: text), or take a list.',
    ],
    [
      'one value where a scatter expects a list',
      'e: { task: one, in: { text: t }, scatter: text }',
      "'text' is scattered, so its link gives a list with a value for each run. Link a list, or take 'text' out of scatter.",
    ],
    [
      'gaps that conditions leave in a list',
      'e: { task: one, in: { text: ts }, scatter: text, when: $(inputs.text.size > 3) }, f: { task: many, in: { texts: e.out } }',
      'Some of its values may be null. Leave these out: {from: e.out, pick: all}. Or take File?[].',
    ],
    [
      'several sources where one value is expected',
      'e: { task: one, in: { text: [t, use.out] } }',
      'Several sources make a list. Take one of them (pick: first), or take a list.',
    ],
    [
      'one value where a list is expected',
      'e: { task: many, in: { texts: [t] } }',
      'gives File where File[] is expected: File does not fit File[]. For a list of one, write {from: t, merge: nested}.',
    ],
  ])('%s', (_, steps, expected) => {
    expect(problemsOf(steps).join('\n')).toContain(expected);
  });

  it('nothing is wrong when they fit', () => {
    const steps = [
      'e: { task: one, in: { text: ts }, scatter: text, when: $(inputs.text.size > 3) }',
      'f: { task: many, in: { texts: { from: e.out, pick: all } } }',
      'g: { task: one, in: { text: { from: [f.out, t], pick: first } } }',
      'h: { job: inner, in: { text: ts }, scatter: text }',
    ];
    expect(problemsOf(steps.join(', '))).toEqual([]);
  });
});

describe('of conditions and expressions', () => {
  it.each([
    [
      'a condition without brackets',
      "e: { task: one, in: { text: t, n: use.out }, when: 'inputs.n > 3' }",
      'the condition is plain text, which is neither true nor false. Write it as an expression: when: $(inputs.n > 3).',
    ],
    [
      'a condition in pieces',
      "e: { task: one, in: { text: t }, when: '$(inputs.text.size) > 3' }",
      'the condition has text around its expressions, and so it gives a text.',
    ],
    [
      'self in a condition',
      "e: { task: one, in: { text: t }, when: '$(self)' }",
      "a condition transforms nothing, and so it has no 'self'.",
    ],
    [
      'a name that is not there, in a reference',
      "e: { task: one, in: { text: t, min-length: { expression: '$(inputs.txt.size)' } } }",
      "the expression reads inputs.txt, and there is no input 'txt'. Did you mean 'text'? Link it: in: {txt: …}. Expressions of this step read text, min-length.",
    ],
    [
      'a name that is not there, in a script',
      "e: { task: one, in: { text: t }, when: '$(inputs.count > 3)' }",
      "the expression reads inputs.count, and there is no input 'count'. Link it: in: {count: …}.",
    ],
    [
      'a name with a dash',
      "e: { task: one, in: { text: t, min-length: 3 }, when: '$(inputs.min-length > 3)' }",
      'inputs.min-length is a subtraction in JavaScript. Write inputs["min-length"].',
    ],
    [
      'an expression that is never closed',
      "e: { task: one, in: { text: t }, when: '$(inputs.text.size > 3' }",
      "'$(' is never closed.",
    ],
    [
      'an exit code of a step that has none',
      'e: { task: computed, in: { m: 3 } }, f: { task: one, in: { text: t }, when: { step: e, exit-code: 1 } }',
      "step 'e' has no exit code: it runs an expression. Use an expression over values instead",
    ],
  ])('%s', (_, steps, expected) => {
    expect(problemsOf(steps).join('\n')).toContain(expected);
  });

  it('names in texts and comments of a script, and what every object has, are no inputs', () => {
    const when = '$(inputs.text.name !== "inputs.x" && inputs.hasOwnProperty("text") /* inputs.y */)';
    expect(problemsOf(`e: { task: one, in: { text: t }, when: '${when}' }`)).toEqual([]);
  });

  it('a task that is an expression reads its own inputs alone, and gives types to its outputs', () => {
    const text = `task: c\nexpression: '$({ n: inputs.mm })'\ninputs: { m: int }\noutputs: { n: int }\n`;
    const parsed = parseDefinitions({ name: 'f.yaml', text });
    expect(parsed.ok ? [] : parsed.problems.map(formatProblem)).toEqual([
      "f.yaml:2:13: the expression reads inputs.mm, and there is no input 'mm'. Did you mean 'm'? Declare it: inputs: { mm: … }.",
      "f.yaml:4:15: 'n' is computed and comes from no file. Give its type: n: { type: int }.",
    ]);
  });
});

describe('of forms and names', () => {
  it.each([
    [
      'a port to scatter over that is not there',
      'e: { task: one, in: { text: ts }, scatter: txt }',
      "task 'one' has no input or parameter 'txt'. Did you mean 'text'?",
    ],
    [
      'a port to scatter over that is not linked',
      'e: { task: one, in: { text: t }, scatter: min-length }',
      "'min-length' gets no list to scatter over. Link it: in: {min-length: …}.",
    ],
    [
      'an unknown way to combine lists',
      'e: { task: one, in: { text: ts }, scatter: { ports: text, method: cross } }',
      "'method' is not one of the values it may have. Known values: dot, nested, flat.",
    ],
    [
      'an unknown key of scatter',
      'e: { task: one, in: { text: ts }, scatter: { port: text } }',
      "unknown key 'port'. Did you mean 'ports'?",
    ],
    [
      'an unknown way to merge',
      'e: { task: many, in: { texts: { from: [t], merge: concat } } }',
      "'merge' is not one of the values it may have. Known values: nested, flat.",
    ],
    [
      'an unknown pick',
      'e: { task: many, in: { texts: { from: [t], pick: last } } }',
      "'pick' is not one of the values it may have. Known values: first, only, all.",
    ],
    [
      'a misspelt link',
      'e: { task: many, in: { texts: { form: ts } } }',
      "unknown key 'form'. Did you mean 'from'? Known keys: from, value, glob, expression.",
    ],
    ['an empty link', 'e: { task: many, in: { texts: {} } }', 'the link says nothing. Write {from: …}'],
    [
      'both a task and a job',
      'e: { task: one, job: inner, in: { text: t } }',
      'a step runs either a task or a job. Give one of them: task: name, or job: name.',
    ],
    ['an unknown job', 'e: { job: iner, in: { text: t } }', "there is no job 'iner'. Did you mean 'inner'?"],
    [
      'a job as a task',
      'e: { task: inner, in: { text: t } }',
      "there is no task 'inner'. It is a job: write job: inner.",
    ],
    ['a task as a job', 'e: { job: one, in: { text: t } }', "there is no job 'one'. It is a task: write task: one."],
    [
      'a job that runs itself',
      'e: { job: j, in: { t: t, ts: ts } }',
      'the job runs itself: j → j. Let it run another job.',
    ],
    [
      'an input that the nested job does not have',
      'e: { job: inner, in: { text: t, texts: t } }',
      "job 'inner' has no input or parameter 'texts'. Did you mean 'text'?",
    ],
    [
      'an input that the nested job needs',
      'e: { job: inner }',
      "'text' (File) gets no value and has no default. Add it to the step: in: {text: <an input, or step.output>}.",
    ],
    [
      'a condition on no exit code',
      'e: { task: one, in: { text: t }, when: { step: use } }',
      "'exit-code' is missing.",
    ],
  ])('%s', (_, steps, expected) => {
    expect(problemsOf(steps).join('\n')).toContain(expected);
  });
});
