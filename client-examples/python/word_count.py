#!/usr/bin/env python3
"""Counts the words of a file with Stepcast. Standard library only; Python 3.8 or later.

    python3 client-examples/python/word_count.py FILE [FOLDER]

Uploads FILE, submits it, prints each event as it comes, and streams the results to FOLDER.
"""
import hashlib
import json
import os
import shutil
import sys
import time
import urllib.error
import urllib.request

URL = os.environ.get("STEPCAST_URL", "http://127.0.0.1:4000")
FINAL = ("SUCCEEDED", "FAILED", "CANCELLED")
# The standard library has no WebSocket, so this asks again and again; each answer holds only what is new.
POLL_SECONDS = 0.3


def call(query, **variables):
    """Runs one query or mutation and returns its data."""
    request = urllib.request.Request(
        URL + "/graphql",
        data=json.dumps({"query": query, "variables": variables}).encode(),
        headers={"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            answer = json.load(response)
    except urllib.error.HTTPError as error:  # Faults of the request come with a status of their own.
        answer = json.load(error)
    if answer.get("errors"):
        sys.exit("\n".join(error["message"] for error in answer["errors"]))
    return answer["data"]


def accepted(payload, key):
    """The entity of a payload; what the user can mend ends the program with a line each."""
    if payload["userErrors"]:
        sys.exit("\n".join(error["message"] for error in payload["userErrors"]))
    return payload[key]


def upload(path):
    """Streams a file to the server and returns the id of the upload."""
    size = os.path.getsize(path)
    payload = call(
        """mutation ($input: CreateUploadInput!) {
          createUpload(input: $input) { upload { id url } userErrors { message } }
        }""",
        input={"name": os.path.basename(path), "size": size},
    )["createUpload"]
    place = accepted(payload, "upload")
    with open(path, "rb") as file:
        headers = {"Content-Length": str(size), "Content-Type": "application/octet-stream"}
        urllib.request.urlopen(urllib.request.Request(place["url"], data=file, headers=headers, method="PUT")).close()
    return place["id"]


def events(submission):
    """Yields every event until the submission has ended."""
    after = None
    while True:
        answer = call(
            """query ($id: ID!, $after: String) {
              submission(id: $id) {
                state lastEventSeq
                events(after: $after) {
                  nodes { seq stepName state percent message }
                  pageInfo { hasNextPage endCursor }
                }
              }
            }""",
            id=submission,
            after=after,
        )["submission"]
        page = answer["events"]
        yield from page["nodes"]
        # An empty page has no cursor: the next question goes on from the same place.
        after = page["pageInfo"]["endCursor"] or after
        if page["nodes"]:
            continue
        if answer["state"] in FINAL:
            return
        time.sleep(POLL_SECONDS)


def download(result, folder):
    """Streams one result to a file and checks that it arrived whole."""
    path = os.path.join(folder, result["stepName"], result["name"])
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with urllib.request.urlopen(result["url"]) as response, open(path, "wb") as file:
        shutil.copyfileobj(response, file)
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    if digest.hexdigest() != result["sha256"]:
        sys.exit(path + " did not arrive whole")
    print(path)


def main(path, folder):
    payload = call(
        """mutation ($input: SubmitJobInput!) {
          submitJob(input: $input) { submission { id } userErrors { message } }
        }""",
        input={
            "job": "word-count",
            "inputs": {"text": {"upload": upload(path)}, "min-length": 5},
            "options": {"label": "python"},
        },
    )["submitJob"]
    submission = accepted(payload, "submission")["id"]

    for event in events(submission):
        what = event["state"] or "{} %".format(event["percent"])
        print(event["seq"], event["stepName"] or "submission", what, event["message"])

    after = None
    while True:
        answer = call(
            """query ($id: ID!, $after: String) {
              submission(id: $id) {
                state message
                results(after: $after) {
                  nodes { name stepName sha256 url }
                  pageInfo { hasNextPage endCursor }
                }
              }
            }""",
            id=submission,
            after=after,
        )["submission"]
        for result in answer["results"]["nodes"]:
            download(result, folder)
        if not answer["results"]["pageInfo"]["hasNextPage"]:
            break
        after = answer["results"]["pageInfo"]["endCursor"]
    if answer["state"] != "SUCCEEDED":
        sys.exit("{}: {}".format(answer["state"], answer["message"]))


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "results")
