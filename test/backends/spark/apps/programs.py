"""The small programs of the conformance suite, as one Spark application."""

import json
import os
import shutil
import subprocess
import sys
import time

STUBBORN = """
trap '' TERM
sh -c 'while :; do sleep 1; done' "$1" &
setsid sh -c 'trap "" TERM; while :; do sleep 1; done' "$1" &
(setsid sh -c 'while :; do sleep 1; done' "$1" &)
wait
"""


def copy(text, who):
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.getOrCreate()
    lines = spark.read.text("file://" + text).count()
    shutil.copyfile(text, "copy.txt")
    with open("facts.json", "w", encoding="utf-8") as facts:
        json.dump({"who": who, "lines": lines}, facts)


def carry(data):
    shutil.copyfile(data, "big")


def hang(text, token):
    child = subprocess.Popen(["sh", "-c", STUBBORN, "sh", token])
    print(text, flush=True)
    print("aside", file=sys.stderr, flush=True)
    child.wait()


def progress():
    print("::progress 42 halfway", flush=True)


def leave(code):
    sys.exit(int(code))


def partial():
    with open("first", "w", encoding="utf-8") as first:
        first.write("half\n")
    sys.exit(3)


def environment():
    print(os.environ["GREETING"], flush=True)


def rename(text, name):
    shutil.copyfile(text, name)
    print(os.path.basename(text), flush=True)


def wait(seconds, token):
    print(f"run={os.getpid()}-{time.time_ns()}", flush=True)
    time.sleep(float(seconds))
    print("done", flush=True)


globals()[sys.argv[1]](*sys.argv[2:])
