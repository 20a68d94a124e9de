import 'graphiql/setup-workers/vite';
import 'graphiql/style.css';
import './page.css';
import { createGraphiQLFetcher } from '@graphiql/toolkit';
import { GraphiQL, HISTORY_PLUGIN } from 'graphiql';
import { createRoot } from 'react-dom/client';
import { findExample, loadExamples, readyTabs, tabOf } from './examples';
import { examplesPlugin } from './ExamplesPlugin';

const httpUrl = new URL('/graphql', location.href);
const socketUrl = new URL(httpUrl);
socketUrl.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';

const fetcher = createGraphiQLFetcher({ url: httpUrl.href, subscriptionUrl: socketUrl.href });

async function start(container: HTMLElement): Promise<void> {
  const examples = await loadExamples('/graphiql/examples.json');
  const wanted = findExample(examples, new URLSearchParams(location.search).get('operation'));
  const wantedTab = wanted && tabOf(wanted);
  createRoot(container).render(
    <GraphiQL
      fetcher={fetcher}
      defaultTabs={[...readyTabs(examples, wanted)]}
      initialQuery={wantedTab?.query}
      initialVariables={wantedTab?.variables ?? undefined}
      defaultEditorToolsVisibility="variables"
      plugins={[HISTORY_PLUGIN, examplesPlugin(examples)]}
    >
      <GraphiQL.Logo>
        <a className="logo" href="/">
          Stepcast
        </a>
      </GraphiQL.Logo>
    </GraphiQL>,
  );
}

const container = document.getElementById('graphiql');
if (container) void start(container);
