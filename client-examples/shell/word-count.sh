#!/bin/sh
# Counts the words of a file with Stepcast: upload, submit, poll, download. Needs curl and a POSIX shell.
#
#   sh client-examples/shell/word-count.sh FILE [FOLDER]
set -eu

url=${STEPCAST_URL:-http://127.0.0.1:4000}
file=${1:?Usage: word-count.sh FILE [FOLDER]}
folder=${2:-results}

# Answers are JSON on one line. With jq at hand use that; for the plain texts of this example sed is enough.
field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }

# graphql QUERY VARIABLES: prints the answer; fails with the whole answer when it holds an error or a refusal.
# Call it as `answer=$(graphql …)` and not in a pipe: a pipe would hide that it failed.
graphql() {
  # A JSON text may not hold line ends; GraphQL does not care for them.
  query=$(printf '%s' "$1" | tr '\n' ' ')
  answer=$(curl -sS "$url/graphql" -H 'content-type: application/json' \
    --data-binary "{\"query\":\"$query\",\"variables\":$2}")
  case $answer in
    *'"errors":['* | *'"userErrors":[{'*)
      printf '%s\n' "$answer" >&2
      return 1
      ;;
  esac
  printf '%s\n' "$answer"
}

# 1. A place for the file, and the file, streamed by one PUT.
place=$(graphql 'mutation ($input: CreateUploadInput!) {
  createUpload(input: $input) { upload { id url } userErrors { message } } }' '{"input":{"name":"text.txt"}}')
upload=$(printf '%s' "$place" | field id)
curl -sSf -T "$file" "$(printf '%s' "$place" | field url)" > /dev/null

# 2. The submission.
answer=$(graphql 'mutation ($input: SubmitJobInput!) {
  submitJob(input: $input) { submission { id } userErrors { message } } }' \
  "{\"input\":{\"job\":\"word-count\",\"inputs\":{\"text\":{\"upload\":\"$upload\"},\"min-length\":5}}}")
submission=$(printf '%s' "$answer" | field id)
echo "submitted $submission"

# 3. Its state, until it has ended. (To see every step live, use the subscription submissionEvents.)
state=
while :; do
  answer=$(graphql 'query ($id: ID!) { submission(id: $id) { state } }' "{\"id\":\"$submission\"}")
  now=$(printf '%s' "$answer" | field state)
  if [ "$now" != "$state" ]; then echo "$now"; fi
  state=$now
  case $state in SUCCEEDED | FAILED | CANCELLED) break ;; esac
  sleep 0.3
done
if [ "$state" != SUCCEEDED ]; then exit 1; fi

# 4. The results: a line each with step, name and signed address.
mkdir -p "$folder"
answer=$(graphql 'query ($id: ID!) { submission(id: $id) { results(first: 100) { nodes { stepName name url } } } }' \
  "{\"id\":\"$submission\"}")
printf '%s\n' "$answer" | sed 's/},{/}\
{/g' | while IFS= read -r result; do
  target=$folder/$(printf '%s' "$result" | field stepName)
  mkdir -p "$target"
  target=$target/$(printf '%s' "$result" | field name)
  curl -sSf -o "$target" "$(printf '%s' "$result" | field url)"
  echo "$target"
done
