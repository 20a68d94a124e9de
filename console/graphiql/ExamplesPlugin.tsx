import { useGraphiQL, useGraphiQLActions, type GraphiQLPlugin } from '@graphiql/react';
import { tabOf, type ExampleOperation } from './examples';

/** A list of all ready operations beside the editor; a click opens one in a new tab. */
export function examplesPlugin(examples: readonly ExampleOperation[]): GraphiQLPlugin {
  return { title: 'Examples', icon: ExamplesIcon, content: () => <ExampleList examples={examples} /> };
}

function ExampleList({ examples }: { readonly examples: readonly ExampleOperation[] }) {
  const { addTab } = useGraphiQLActions();
  const queryEditor = useGraphiQL((state) => state.queryEditor);
  const variableEditor = useGraphiQL((state) => state.variableEditor);

  const open = (example: ExampleOperation): void => {
    const tab = tabOf(example);
    addTab();
    queryEditor?.setValue(tab.query);
    variableEditor?.setValue(tab.variables ?? '');
  };

  return (
    <section aria-label="Examples">
      <div className="graphiql-doc-explorer-title">Examples</div>
      {examples.length === 0 && <p>No job of this service brings an example yet.</p>}
      <ul className="examples">
        {examples.map((example) => (
          <li key={example.title}>
            <button type="button" onClick={() => open(example)}>
              {example.title}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function ExamplesIcon() {
  return (
    <svg viewBox="0 0 24 24" height="1em" fill="none" stroke="currentColor" strokeWidth="1.5" aria-hidden="true">
      <path d="M4 19h5v-5h5V9h6" strokeLinecap="round" strokeLinejoin="round" />
      <path d="M4 10V5h5" strokeLinecap="round" strokeLinejoin="round" />
    </svg>
  );
}
