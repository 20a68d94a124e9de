import 'graphiql/setup-workers/vite';
import 'graphiql/style.css';
import './page.css';
import { createGraphiQLFetcher } from '@graphiql/toolkit';
import { GraphiQL, HISTORY_PLUGIN } from 'graphiql';
import { createRoot } from 'react-dom/client';
import { findExample, firstTab, loadExamples, readyTabs, tabOf } from './examples';
import { examplesPlugin } from './ExamplesPlugin';

/** Where GraphiQL keeps its tabs from one visit to the next. */
const STORED_TABS = 'graphiql:tabState';

const httpUrl = new URL('/graphql', location.href);
const socketUrl = new URL(httpUrl);
socketUrl.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';

const fetcher = createGraphiQLFetcher({ url: httpUrl.href, subscriptionUrl: socketUrl.href });

async function start(container: HTMLElement): Promise<void> {
  const examples = await loadExamples('/graphiql/examples.json');
  const wanted = findExample(examples, new URLSearchParams(location.search).get('operation'));
  const tabs = readyTabs(examples, wanted);
  const first = firstTab(tabs, wanted && tabOf(wanted), localStorage.getItem(STORED_TABS));
  createRoot(container).render(
    <GraphiQL
      fetcher={fetcher}
      defaultTabs={[...tabs]}
      initialQuery={first?.query}
      initialVariables={first && (first.variables ?? '')}
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
