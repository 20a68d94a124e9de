// Fills the list of jobs with one query, and makes the curl example name this very server.
const JOBS_QUERY = '{ jobs(first: 20) { nodes { name description mutationField } } }';

const status = document.getElementById('jobs-status');
const list = document.getElementById('jobs');
const curl = document.getElementById('curl');
const copy = document.getElementById('copy');

curl.textContent = curl.textContent.replace('http://localhost:4000', location.origin);

if (navigator.clipboard) {
  copy.hidden = false;
  copy.addEventListener('click', async () => {
    await navigator.clipboard.writeText(curl.textContent);
    copy.textContent = 'Copied';
  });
}

function element(tag, text, attributes = {}) {
  const made = document.createElement(tag);
  made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function jobItem({ name, description, mutationField }) {
  const item = document.createElement('li');
  item.append(element('h3', name));
  if (mutationField) {
    const operation = mutationField.charAt(0).toUpperCase() + mutationField.slice(1);
    const link = element('a', '', { href: `/graphiql/?operation=${encodeURIComponent(operation)}` });
    link.append(element('code', mutationField));
    link.setAttribute('aria-label', `Open ${mutationField} in GraphiQL`);
    item.append(link);
  }
  if (description) item.append(element('p', description));
  return item;
}

async function showJobs() {
  const response = await fetch('/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({ query: JOBS_QUERY }),
  });
  const { data } = await response.json();
  const jobs = data.jobs.nodes;
  list.replaceChildren(...jobs.map(jobItem));
  list.hidden = jobs.length === 0;
  status.textContent =
    jobs.length === 0 ? 'No job is defined yet. Put a job file into the jobs folder, and it appears here.' : '';
}

showJobs().catch(() => {
  status.textContent = 'The list of jobs is not to be had just now. Open GraphiQL to ask the service yourself.';
});
