/** One ready operation, as `/graphiql/examples.json` serves it. */
export interface ExampleOperation {
  readonly title: string;
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
}

/** What GraphiQL opens as a tab. */
export interface Tab {
  readonly query: string;
  readonly variables: string | null;
}

/** More tabs than this hide each other; the others stay in the list of examples. */
const MAX_READY_TABS = 8;

const FALLBACK_TABS: readonly Tab[] = [
  {
    query: `# The examples of this service could not be loaded. This query works on every GraphQL service.
query WhatCanIAsk {
  __schema {
    queryType { fields { name description } }
    mutationType { fields { name description } }
    subscriptionType { fields { name description } }
  }
}
`,
    variables: null,
  },
];

/** Loads the ready operations; an empty list when they are not to be had, so that GraphiQL opens in any case. */
export async function loadExamples(url: string): Promise<readonly ExampleOperation[]> {
  try {
    const response = await fetch(url, { headers: { accept: 'application/json' } });
    const body: unknown = response.ok ? await response.json() : [];
    return Array.isArray(body) ? body.filter(isExampleOperation) : [];
  } catch {
    return [];
  }
}

export function tabOf(example: ExampleOperation): Tab {
  const hasVariables = Object.keys(example.variables).length > 0;
  return { query: example.query, variables: hasVariables ? JSON.stringify(example.variables, null, 2) : null };
}

/** The tabs of a first visit: the one that was asked for leads. */
export function readyTabs(examples: readonly ExampleOperation[], wanted: ExampleOperation | undefined): readonly Tab[] {
  if (examples.length === 0) return FALLBACK_TABS;
  const others = examples.filter((example) => example !== wanted);
  return [...(wanted ? [wanted] : []), ...others].slice(0, MAX_READY_TABS).map(tabOf);
}

/** The example whose operation has this name, such as `RunWordCount`. */
export function findExample(
  examples: readonly ExampleOperation[],
  operationName: string | null,
): ExampleOperation | undefined {
  if (!operationName) return undefined;
  return examples.find(
    (example) => /\b(?:query|mutation|subscription)\s+(\w+)/.exec(example.query)?.[1] === operationName,
  );
}

/**
 * What the editors show first: the wanted example, else the tab that was open before, else the first ready tab. GraphiQL
 * itself forgets the variables of a tab that nobody has edited.
 */
export function firstTab(ready: readonly Tab[], wanted: Tab | undefined, storedTabs: string | null): Tab | undefined {
  return wanted ?? storedActiveTab(storedTabs) ?? (storedTabs === null ? ready[0] : undefined);
}

function storedActiveTab(storedTabs: string | null): Tab | undefined {
  try {
    const { tabs, activeTabIndex } = JSON.parse(storedTabs ?? '{}') as Readonly<Record<string, unknown>>;
    const tab: unknown = Array.isArray(tabs) && typeof activeTabIndex === 'number' ? tabs[activeTabIndex] : undefined;
    if (typeof tab !== 'object' || tab === null) return undefined;
    const { query, variables } = tab as Partial<Record<keyof Tab, unknown>>;
    return {
      query: typeof query === 'string' ? query : '',
      variables: typeof variables === 'string' ? variables : null,
    };
  } catch {
    return undefined;
  }
}

function isExampleOperation(value: unknown): value is ExampleOperation {
  if (typeof value !== 'object' || value === null) return false;
  const { title, query, variables } = value as Partial<Record<keyof ExampleOperation, unknown>>;
  return typeof title === 'string' && typeof query === 'string' && typeof variables === 'object' && variables !== null;
}
