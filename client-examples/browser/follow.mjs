// A Stepcast client for pages: no library, no build. fetch carries queries and files, one WebSocket per submission
// carries what happens. `fetch` and `WebSocket` are the browser's own.

const FINAL = ['SUCCEEDED', 'FAILED', 'CANCELLED'];
const MAX_WAIT_MS = 5_000;

/** Runs a query or mutation and returns its data. */
export async function call(server, query, variables = {}) {
  const response = await fetch(`${server}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  if (errors) throw new Error(errors.map(({ message }) => message).join('\n'));
  return data;
}

/** Sends a File or Blob, which the browser streams from the disk, and returns the id of the upload. */
export async function upload(server, file) {
  const { createUpload } = await call(
    server,
    `mutation ($input: CreateUploadInput!) {
      createUpload(input: $input) { upload { id url } userErrors { message } }
    }`,
    { input: { name: file.name, size: file.size } },
  );
  accept(createUpload);
  const sent = await fetch(createUpload.upload.url, { method: 'PUT', body: file });
  if (!sent.ok) throw new Error((await sent.json()).message);
  return createUpload.upload.id;
}

/** Submits a job and returns the submission: its id, and its steps in order. */
export async function submit(server, job, inputs) {
  const { submitJob } = await call(
    server,
    `mutation ($input: SubmitJobInput!) {
      submitJob(input: $input) {
        submission { id steps(first: 100) { nodes { id name } } }
        userErrors { message }
      }
    }`,
    { input: { job, inputs } },
  );
  accept(submitJob);
  return { id: submitJob.submission.id, steps: submitJob.submission.steps.nodes };
}

/** The result files of a submission. */
export async function results(server, id) {
  const query = `query ($id: ID!) {
    submission(id: $id) { results(first: 100) { nodes { name stepName url } } }
  }`;
  return (await call(server, query, { id })).submission.results.nodes;
}

/**
 * Calls `onEvent` with every event from the first to the last, none twice, and returns the final state. When the
 * connection breaks, it is made again and goes on behind the last event seen.
 */
export async function follow(server, id, onEvent) {
  let last = 0;
  let wait = 100;
  for (;;) {
    const state = await followOnce(server, id, last, (event) => {
      last = event.seq;
      wait = 100;
      onEvent(event);
    });
    if (state) return state;
    await new Promise((resolve) => setTimeout(resolve, wait));
    wait = Math.min(wait * 2, MAX_WAIT_MS);
  }
}

/** One connection, by the graphql-transport-ws protocol: init → ack, subscribe → next …; null when it broke off. */
function followOnce(server, id, after, onEvent) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`${server.replace(/^http/, 'ws')}/graphql`, 'graphql-transport-ws');
    const send = (message) => socket.send(JSON.stringify(message));
    let final = null;
    socket.onopen = () => send({ type: 'connection_init' });
    socket.onclose = () => resolve(final);
    socket.onerror = () => socket.close();
    socket.onmessage = ({ data }) => {
      const { type, payload } = JSON.parse(data);
      switch (type) {
        case 'connection_ack':
          send({
            type: 'subscribe',
            id: '1',
            payload: {
              query: `subscription ($id: ID!, $after: Int) {
                submissionEvents(id: $id, after: $after) { seq type state stepName stepRunId percent message }
              }`,
              variables: { id, after },
            },
          });
          break;
        case 'ping':
          send({ type: 'pong' });
          break;
        case 'next': {
          const event = payload.data.submissionEvents;
          if (event.type === 'SUBMISSION_STATE' && FINAL.includes(event.state)) final = event.state;
          onEvent(event);
          if (final) socket.close();
          break;
        }
        case 'error':
          reject(new Error(payload.map(({ message }) => message).join('\n')));
          socket.close();
          break;
        case 'complete':
          socket.close();
          break;
      }
    };
  });
}

/** What the user can mend comes as `userErrors` beside the data. */
function accept({ userErrors }) {
  if (userErrors.length > 0) throw new Error(userErrors.map(({ message }) => message).join('\n'));
}
