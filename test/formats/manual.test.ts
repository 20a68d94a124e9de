import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { backendForm } from '../../src/formats/forms/backendForm';
import { jobForm } from '../../src/formats/forms/jobForm';
import { resourceForm } from '../../src/formats/forms/limitForm';
import { taskForm } from '../../src/formats/forms/taskForm';
import { parseDefinitions } from '../../src/formats/parse';
import { formatProblem } from '../../src/formats/problem';

const blocksOf = (page: string): string[] => {
  const text = readFileSync(join(__dirname, '../../docs', page), 'utf8');
  return [...text.matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map(([, block = '']) => block);
};
const blocks = blocksOf('definitions.md');

describe.each(['dataflow.md', 'scatter.md', 'nested-jobs.md'])('the page %s', (page) => {
  it('has examples that can be used together as they stand', () => {
    const text = blocksOf(page).join('\n---\n');
    const parsed = parseDefinitions({ name: page, text });
    expect(parsed.ok ? [] : parsed.problems.map(formatProblem)).toEqual([]);
    expect(parsed.ok && parsed.set.jobs.length).toBeGreaterThan(1);
  });
});

describe.each(['backends/sql.md', 'backends/spark.md', 'backends/hadoop.md'])('the page %s', (page) => {
  const [first = '', ...more] = blocksOf(page);

  it('begins with an example that can be used as it stands', () => {
    const parsed = parseDefinitions({ name: page, text: first });
    expect(parsed.ok ? [] : parsed.problems.map(formatProblem)).toEqual([]);
  });

  it('has well formed examples', () => {
    for (const text of more)
      for (const document of parseAllDocuments(text))
        expect(problemsOf(document.toJS() as Record<string, unknown>)).toEqual([]);
  });
});

describe('the manual of definitions', () => {
  it('its first job can be used as it stands', () => {
    const parsed = parseDefinitions({ name: 'manual', text: blocks[0] ?? '' });
    expect(parsed.ok ? [] : parsed.problems.map(formatProblem)).toEqual([]);
  });

  it.each(blocks.map((text): [string, string] => [text.split('\n')[0] ?? '', text]))(
    'every example is well formed: %s',
    (_, text) => {
      for (const document of parseAllDocuments(text)) {
        expect(document.errors).toEqual([]);
        expect(problemsOf(document.toJS() as Record<string, unknown>)).toEqual([]);
      }
    },
  );
});

/** A piece of a definition is made whole before it is read. */
function problemsOf(piece: Record<string, unknown>): unknown[] {
  const { task, job, backend, resource, tasks, jobs, validate, ...keys } = piece;
  if (tasks || jobs) {
    const parsed = parseDefinitions({ name: 'manual', text: JSON.stringify(piece) });
    return parsed.ok ? [] : parsed.problems.map(formatProblem);
  }
  if (resource) return issues(resourceForm.safeParse({ ...keys, name: resource }));
  if (backend) return issues(backendForm.safeParse({ ...keys, name: backend }));
  if (validate)
    return issues(jobForm.safeParse({ name: 'j', inputs: { x: { type: 'File', validate } }, steps: { s: 't' } }));
  const isJob =
    job !== undefined ||
    'steps' in keys ||
    JSON.stringify(keys).includes('validate') ||
    /"[a-z]+\.[a-z]+"/.test(JSON.stringify(keys));
  if (isJob) return issues(jobForm.safeParse({ name: 'j', steps: { s: 't' }, ...keys, ...(job ? { name: job } : {}) }));
  return issues(taskForm.safeParse({ name: 't', command: 'x', ...keys, ...(task ? { name: task } : {}) }));
}

function issues(result: { success: boolean; error?: { issues: unknown[] } }): unknown[] {
  return result.error?.issues ?? [];
}
