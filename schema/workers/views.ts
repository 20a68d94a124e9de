/** How the live workers see Backends, for all that one operation asks about in one go. */
import type { Database } from '../../src/store/database';
import { backendViews, type SeenBackend } from '../../src/store/statements/backendHealth';

interface Question {
  readonly backends: Set<string>;
  readonly views: Promise<Map<string, SeenBackend>>;
}

const asked = new WeakMap<Database, Question>();
const UNSEEN: SeenBackend = { alive: 0, serving: 0, findings: [], checkedAt: null };

/** One Backend; all that is asked for in the same turn is read together. */
export async function backendViewOf(db: Database, backend: string): Promise<SeenBackend> {
  let question = asked.get(db);
  if (!question) {
    const backends = new Set<string>();
    const views = new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      asked.delete(db);
      return backendViews(db, [...backends]);
    });
    question = { backends, views };
    asked.set(db, question);
  }
  question.backends.add(backend);
  return (await question.views).get(backend) ?? UNSEEN;
}
