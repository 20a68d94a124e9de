"""DataFrames of Spark in files and as values: what queries and scripts share."""

import contextlib
import csv
import datetime
import decimal
import itertools
import json
import logging
import os
import re
import shutil
import subprocess
import sys
import tempfile

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

# Larger whole numbers are changed by what reads JSON as doubles.
MAX_EXACT = 2**53 - 1
# So long a Java machine has to end by itself.
END_SECONDS = 10
# A row as text: Row(a=1).
LEAST_ROW_BYTES = 8
SEPARATORS = {"csv": ",", "tsv": "\t"}

NESTED = (T.ArrayType, T.StructType, T.MapType)
ANYTHING = {"kind": "Any"}
NUMBERS = itertools.count(1)


def open_session():
    try:
        spark = SparkSession.builder.getOrCreate()
    except Exception as error:
        sys.exit(f"Spark could not be started. {said(error)}")
    spark.sparkContext.setLogLevel("WARN")
    # Errors of queries are told once, in words.
    for name in ("SQLQueryContextLogger", "DataFrameQueryContextLogger"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return spark


def close_session(spark):
    """
    Ends the session, and waits for its Java machine, whose processor time would not be counted otherwise. One that
    has died told so by what it was asked before.
    """
    machine = getattr(spark.sparkContext._gateway, "proc", None)
    with contextlib.suppress(Exception):
        spark.stop()
    if machine:
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            machine.stdin.close()
            machine.wait(END_SECONDS)


def said(error):
    """What Spark says of an error, without where in Spark it arose."""
    text = str(error) if isinstance(error, PySparkException) else f"{type(error).__name__}: {error}"
    return re.split(r"\n\s*at |\nJVM stacktrace:|;\n'", text)[0].strip()


# Files


def read_file(spark, form, path, **options):
    """The rows of a file of this machine, by its absolute path."""
    address = "file://" + plain_path(path)
    if form in SEPARATORS:
        separator = SEPARATORS[form]
        return spark.read.csv(
            address, header=True, inferSchema=True, sep=separator, quote='"', escape='"', multiLine=True, **options
        )
    if form in ("json", "ndjson"):
        return spark.read.json(address, multiLine=form == "json")
    return spark.read.parquet(address)


def plain_path(path):
    """
    Spark takes paths as patterns, and has no way to write a sign of theirs plainly; and it passes over files that it
    holds to be hidden. Such files get another name.
    """
    if not re.search(r"[{}\[\]*?\\^]|/[_.][^/]*\Z|\._COPYING_\Z", path):
        return path
    plain = fresh("table", os.path.splitext(path)[1])
    os.symlink(path, plain)
    return plain


def fresh(name, ending=""):
    """A path that nobody else uses, in the temporary folder of the attempt, which executors reach."""
    return os.path.join(tempfile.gettempdir(), f"stepcast-{name}-{next(NUMBERS)}{ending}")


def write_file(frame, form, path):
    """One file: what Spark writes is a folder with the part in it."""
    folder = fresh("written")
    frame = flat(frame) if form in SEPARATORS else frame
    # Settings of the cluster must not make several files of it, or compress what is no Parquet.
    writer = frame.coalesce(1).write.option("maxRecordsPerFile", 0)
    target = "file://" + folder
    if form in SEPARATORS:
        writer.csv(target, header=True, sep=SEPARATORS[form], quote='"', escape='"', compression="none")
    elif form in ("json", "ndjson"):
        writer.json(target, ignoreNullFields=False, compression="none")
    else:
        writer.parquet(target)
    part = next((os.path.join(folder, name) for name in os.listdir(folder) if name.startswith("part-")), None)
    if os.path.dirname(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
    if form == "json":
        list_of_lines(part, path)
    elif part and (form == "parquet" or os.path.getsize(part) > 0):
        shutil.move(part, path)
    else:
        with open(path, "w", encoding="utf-8", newline="") as file:
            if form in SEPARATORS:
                csv.writer(file, delimiter=SEPARATORS[form], lineterminator="\n").writerow(frame.columns)
    shutil.rmtree(folder, ignore_errors=True)
    return path


def flat(frame):
    """Lists and records in cells as JSON, for formats that have none."""
    if not any(isinstance(field.dataType, NESTED) for field in frame.schema):
        return frame
    columns = []
    for field in frame.schema:
        column = F.col("`" + field.name.replace("`", "``") + "`")
        columns.append(F.to_json(column).alias(field.name) if isinstance(field.dataType, NESTED) else column)
    return frame.select(*columns)


def list_of_lines(source, path):
    """Lines of JSON become one list."""
    with open(path, "w", encoding="utf-8") as target:
        target.write("[")
        between = "\n"
        if source is not None:
            with open(source, encoding="utf-8") as lines:
                for line in lines:
                    target.write(between + line.rstrip("\n"))
                    between = ",\n"
        target.write("\n]\n")


# Values


def rows_within(frame, most):
    """
    All rows, in their order; None when their text has more than so many bytes. By their number first, since Spark
    has the rows of a task in memory together.
    """
    rows, size = frame.take(most // LEAST_ROW_BYTES + 1), 0
    for row in rows:
        size += len(str(row))
        if size > most:
            return None
    return rows


def required(kind):
    if kind["kind"] != "union":
        return kind
    rest = [member for member in kind["types"] if member["kind"] != "null"]
    return rest[0] if len(rest) == 1 else kind


def from_spark(value, source, target=ANYTHING):
    """A cell as JSON: whole numbers that a double cannot hold stay text, points in time are ISO 8601."""
    if value is None:
        return None
    target = required(target)
    if isinstance(source, T.ArrayType):
        items = target["items"] if target["kind"] == "array" else ANYTHING
        return [from_spark(item, source.elementType, items) for item in value]
    if isinstance(source, T.StructType):
        fields = {field["name"]: field["type"] for field in target.get("fields", [])}
        names = source.fieldNames()
        return {name: from_spark(value[at], source[at].dataType, fields.get(name, ANYTHING)) for at, name in enumerate(names)}
    if isinstance(source, T.MapType):
        return {
            str(from_spark(key, source.keyType)): from_spark(item, source.valueType) for key, item in value.items()
        }
    if isinstance(value, datetime.datetime):
        return moment(value, isinstance(source, T.TimestampType))
    if isinstance(value, (datetime.date, datetime.timedelta)):
        return value.isoformat() if isinstance(value, datetime.date) else str(value)
    if isinstance(value, (bytes, bytearray)):
        return value.decode("utf-8", "backslashreplace")
    if target["kind"] == "string" and not isinstance(value, str):
        return json.dumps(value) if isinstance(value, bool) else str(value)
    if isinstance(value, decimal.Decimal):
        return float(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > MAX_EXACT:
        return str(value)
    return value


def moment(value, is_instant):
    """An instant comes as the time on the clocks of this process."""
    if is_instant:
        value = value.astimezone(datetime.timezone.utc).replace(tzinfo=None)
    text = value.isoformat()
    text = text.rstrip("0") if "." in text else text
    return text + ("Z" if is_instant else "")
