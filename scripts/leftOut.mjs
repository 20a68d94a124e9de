// Which engines a run of the tests did without, as `describeEngine` noted it in the titles.
const NOTE = /\[left out: (.+)\]$/;

/** Each note once, by name, from the result that jest writes with --json; none where there is no result. */
export function leftOut(result) {
  const titles = (result?.testResults ?? []).flatMap(({ assertionResults }) =>
    assertionResults.filter(({ status }) => status === 'pending').flatMap(({ ancestorTitles }) => ancestorTitles),
  );
  return [...new Set(titles.flatMap((title) => NOTE.exec(title)?.[1] ?? []))].sort();
}
