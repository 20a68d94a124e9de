import { parseDefinitions } from '../../src/formats/parse';
import { formatProblem } from '../../src/formats/problem';

const TASKS = `
task: split
command: sort $I1
inputs: {text: File}
parameters: {min-length: {type: int, flag: -n, min: 1, max: 20}}
stdout: "*.words"
---
`;

describe('what is wrong in a file is told with its place and what would be right', () => {
  it.each([
    [
      'an unknown key deep inside',
      'task: a\ncommand: x $P1\nparameters:\n  n: {type: int, spaceing: joined}\n',
      "4:18: unknown key 'spaceing'. Did you mean 'spacing'?",
    ],
    [
      'an unknown key, with the nearest known one',
      'task: a\ncommand: ls\nexit-code: 3\n',
      "f.yaml:3:1: unknown key 'exit-code'. Did you mean 'exit-codes'? Known keys: name, ",
    ],
    [
      'units of a resource that are none',
      'task: a\ncommand: ls\nuses: {licence: 0}\n',
      "3:17: 'licence' is too small or too short. At least 1.",
    ],
    ['a resource without an amount', 'resource: licence\n', "1:1: 'amount' is missing. Add it: a number."],
    ['a limit that is no number', 'task: a\ncommand: ls\nmax-running: many\n', "3:14: 'max-running' is not a number."],
    [
      'an unknown type',
      'task: a\ncommand: cat $I1\ninputs:\n  text: Fille\n',
      "4:9: 'type': unknown type 'Fille'. Did you mean File?",
    ],
    [
      'a type of another language',
      'task: a\ncommand: cat $P1\nparameters: {n: {type: integer}}\n',
      "3:24: 'type': unknown type 'integer'. Did you mean int?",
    ],
    [
      'a format of what is no file',
      'task: a\ncommand: echo $I1\ninputs:\n  n: { type: int, format: csv }\n',
      '4:27: only a File has it, and this is int. Remove it, or change the type.',
    ],
    [
      'an ending that names no file',
      'task: a\ncommand: cat $I1\ninputs:\n  text: { secondary: [.fai, ../x] }\n',
      "4:29: this: '../x' is not the ending of a file name. Write such as .fai, or ^.dict",
    ],
    [
      'a file beside a stream',
      'task: a\ncommand: ls\noutputs:\n  list: { from: stdout, secondary: .idx }\n',
      '4:36: stdout has no files beside it. Write the output to a file',
    ],
    ['a missing command', 'task: a\ndescription: x\n', "1:7: 'command' is missing. Say what runs"],
    [
      'a number where a text is due',
      'task: a\ncommand: 3\n',
      "2:10: 'command' is not a text. Write a text. Quote what YAML reads as something else: '3'.",
    ],
    [
      'an unknown macro',
      'task: a\ncommand: cat $I2\nin: "*.txt"\n',
      "2:10: unknown macro $I2. Did you mean '$I1'? Known macros: $I1, $ID, $TMP, ${in1}.",
    ],
    [
      'a redirection without a shell',
      'task: a\ncommand: ls > x.txt\n',
      "2:10: '>' works only in a shell, and this command runs without one. Name an output for it: 'stdout: \"*.txt\"'. Or set 'shell: true'.",
    ],
    [
      'a pipe without a shell',
      'task: a\ncommand: ls | wc\n',
      "2:10: '|' works only in a shell, and this command runs without one. Make two tasks and link them, or set 'shell: true'.",
    ],
    [
      'a bare pattern',
      'task: a\ncommand: ls *.txt\n',
      "2:10: '*.txt' is a file name pattern, and no shell is there to expand it. Quote it",
    ],
    ['an open quote', 'task: a\ncommand: "echo \'x"\n', "2:10: a ' is opened and never closed. Close the quote."],
    ['command substitution', 'task: a\ncommand: echo $(date)\n', "2:10: '(' works only in a shell"],
    ['backquotes', 'task: a\ncommand: echo `date`\n', '2:10: backquotes work only in a shell'],
    [
      'several lines without a shell',
      'task: a\ncommand: |\n  sort x\n  uniq x\n',
      '2:10: the command has several lines',
    ],
    [
      'a script that names an output it does not have',
      'task: a\nshell: true\ncommand: ls > "$O1"\n',
      '3:10: unknown macro $O1.',
    ],
    [
      'a dashed name in a script',
      'task: a\nshell: true\ncommand: echo ${min-length}\nparameters: {min-length: {type: int}}\n',
      '3:10: in a script ${min-length} means something else to the shell. Write "$min_length".',
    ],
    [
      'a name the shell needs',
      'task: a\nshell: true\ncommand: ls\nparameters: {PATH: {type: string}}\n',
      '4:14: the shell needs the variable PATH for itself.',
    ],
    ['an output outside the folder', 'task: a\ncommand: ls\nout: ../x\n', 'lies outside the folder of the run'],
    [
      'a default that breaks its bounds',
      'task: a\ncommand: x $P1\nparameters: {n: {type: int, default: 30, max: 20}}\n',
      '3:38: the default: 30 is more than the maximum 20.',
    ],
    [
      'no duration',
      'task: a\ncommand: ls\ntimeout: 10 parsecs\n',
      '3:10: \'timeout\': is not a duration: "10 parsecs". Write seconds',
    ],
    [
      'a name twice',
      'task: a\ncommand: ls\n---\ntask: a\ncommand: ls\n',
      "4:7: the task 'a' is defined twice in this file.",
    ],
    [
      'no name',
      'task: 9lives\ncommand: ls\n',
      "1:7: 'name' is not a name: a letter, then at most 62 letters, digits, - or _.",
    ],
    ['no definition', 'tsk: a\ncommand: ls\n', "1:1: 'tsk' stands outside of any definition. Did you mean 'task'?"],
    ['not YAML', 'task: a\ncommand: [ls\n', 'not valid YAML'],
    [
      'a key twice',
      'task: a\ncommand: ls\ncommand: ls\n',
      '3:1: not valid YAML: Map keys must be unique. Remove one of the two, or begin the next definition with a line of ---.',
    ],
    [
      'an unknown validator',
      'job: j\ninputs: {x: {type: File, validate: [pngg]}}\nsteps: {s: {task: t}}\n',
      "unknown validator 'pngg'. Did you mean 'png'?",
    ],
    [
      'a pattern that is none',
      'job: j\ninputs:\n  x: {type: File, validate: [{regex: "("}]}\nsteps: {s: {task: t}}\n',
      "3:38: 'regex': The pattern ( cannot be used",
    ],
    [
      'an unknown size',
      'job: j\ninputs:\n  x: {type: File, validate: [{size: 10XB}]}\nsteps: {s: {task: t}}\n',
      '3:37: \'size\': is not a size: "10XB".',
    ],
  ])('%s', (_, text, expected) => {
    expect(problemsOf(text).join('\n')).toContain(expected);
  });

  it.each([
    [
      'an unknown task',
      'steps: {a: {task: splt}}',
      'steps.a.task',
      "there is no task 'splt'. Did you mean 'split'? Known tasks: split.",
    ],
    [
      'an unknown input',
      'inputs: {text: File}\nsteps: {a: {task: split, in: {text: txt, min-length: 3}}}',
      'steps.a.in.text',
      "the job has no input 'txt'. Did you mean 'text'? Known inputs: text.",
    ],
    [
      'a step in place of its output',
      'inputs: {t: File}\nsteps: {a: {task: split, in: {text: t, min-length: 3}}, b: {task: split, in: {text: a, min-length: 3}}}',
      'steps.b.in.text',
      "'a' is a step: write a.stdout.",
    ],
    [
      'an unknown port',
      'inputs: {t: File}\nsteps: {a: {task: split, in: {texts: t}}}',
      'steps.a.in.texts',
      "task 'split' has no input or parameter 'texts'.",
    ],
    [
      'types that do not fit',
      'inputs: {t: string}\nsteps: {a: {task: split, in: {text: t, min-length: 3}}}',
      'steps.a.in.text',
      'gives string where File is expected: string does not fit File.',
    ],
    [
      'an optional input where data is needed',
      'inputs: {t: File?}\nsteps: {a: {task: split, in: {text: t, min-length: 3}}}',
      'steps.a.in.text',
      'Make it optional where it is used: File?.',
    ],
    [
      'a value out of bounds',
      'inputs: {t: File}\nsteps: {a: {task: split, in: {text: t, min-length: 99}}}',
      'steps.a.in.min-length',
      '99 is more than the maximum 20.',
    ],
    [
      'a missing value',
      'inputs: {text: File}\nsteps: {a: {task: split, in: {min-length: 3}}}',
      'steps.a',
      "'text' (File) gets no value and has no default. Add it to the step: in: {text: text}.",
    ],
    [
      'a cycle',
      'steps: {a: {task: split, in: {text: b.stdout, min-length: 3}}, b: {task: split, in: {text: a.stdout, min-length: 3}}}',
      'steps',
      'steps wait for each other: a → b → a.',
    ],
    [
      'an unused input',
      'inputs: {t: File, u: File}\nsteps: {a: {task: split, in: {text: t, min-length: 3}}}',
      'inputs.u',
      "no step uses the input 'u'.",
    ],
    [
      'an unknown output',
      'inputs: {t: File}\nsteps: {a: {task: split, in: {text: t, min-length: 3}}}\noutputs: {x: a.word}',
      'outputs.x',
      "step 'a' has no output 'word'. Known outputs of a: stdout.",
    ],
    [
      'an example outside',
      'inputs: {t: File}\nsteps: {a: {task: split, in: {text: t, min-length: 3}}}\nexample: {t: /etc/passwd}',
      'example.t',
      'is not a path beside this file',
    ],
    [
      'an unknown step to wait for',
      'inputs: {t: File}\nsteps: {a: {task: split, after: zz, in: {text: t, min-length: 3}}}',
      'steps.a.after',
      "the job has no step 'zz'.",
    ],
  ])('in a job: %s', (_, job, path, expected) => {
    const parsed = parseDefinitions({ name: 'f.yaml', text: `${TASKS}job: j\n${job}\n` });
    const problems = parsed.ok ? [] : parsed.problems;
    expect(problems.map((problem) => problem.path.join('.')).join('\n')).toContain(path);
    expect(problems.map(formatProblem).join('\n')).toContain(expected);
    for (const problem of problems) expect(problem.line).toBeGreaterThan(7);
  });

  it('all problems of a file at once, in the order of its lines', () => {
    const text = 'task: a\ncommand: ls > x\ntimeout: soon\n---\ntask: b\ncommand: cat $I1\n';
    expect(problemsOf(text).map((line) => line.split(':')[1])).toEqual(['3', '6']);
  });

  it.each([
    ['a file that is too large', `# ${'x'.repeat(1024 * 1024)}`, 'has more than 1048576 bytes'],
    ['nesting that would exhaust the stack', `a: ${'['.repeat(50_000)}`, 'the file cannot be read'],
    [
      'aliases that grow without end',
      [
        'a: &a [x,x,x,x,x,x,x,x,x]',
        ...'bcdefghi'.split('').map((name, at) => `${name}: &${name} [${`*${'abcdefgh'[at]},`.repeat(9)}]`),
      ].join('\n'),
      'the file cannot be read',
    ],
  ])('%s is refused, not suffered', (_, text, expected) => {
    expect(problemsOf(text).join('\n').slice(0, 300)).toContain(expected);
  });
});

function problemsOf(text: string): string[] {
  const parsed = parseDefinitions({ name: 'f.yaml', text });
  return parsed.ok ? [] : parsed.problems.map(formatProblem);
}

describe('what ports say of their files must fit along a link', () => {
  const JOB = `
task: make
command: touch $O1
outputs: { table: { path: t.csv, FROM } }
---
task: use
command: cat $I1
inputs: { table: { type: File, format: csv, secondary: [.idx, .old?] } }
---
job: both
steps: { make: { task: make }, use: { task: use, in: { table: make.table } } }
`;
  const problemsOf = (from: string): string[] => {
    const parsed = parseDefinitions({ name: 'f.yaml', text: JOB.replace('FROM', from) });
    return parsed.ok ? [] : parsed.problems.map(formatProblem);
  };
  const place = (text: string): unknown[] => [expect.stringContaining(`f.yaml:11:63: ${text}`)];

  it('and nothing is wrong when they do, or when one says nothing', () => {
    expect(problemsOf('format: csv, secondary: .idx')).toEqual([]);
    expect(problemsOf('secondary: .idx?')).toEqual([]);
  });
  it('in their formats', () => {
    expect(problemsOf('format: tsv, secondary: .idx')).toEqual(
      place('gives files of the format tsv where csv is expected. Convert them in a step between'),
    );
  });
  it('in the files beside them', () => {
    expect(problemsOf('format: csv')).toEqual(
      place(
        'gives files without .idx beside them, and they are expected. Collect them with the output: secondary: [.idx].',
      ),
    );
  });
});
