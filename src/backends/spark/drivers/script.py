"""Runs the script of one task as the driver of Python scripts does, with a session of Spark and its DataFrames.

    script.py REQUEST
"""

import importlib.util
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
# Where the programs are, nothing is to be left.
WRITES, sys.dont_write_bytecode = sys.dont_write_bytecode, True

from pyspark.sql import DataFrame, Row

from stepcast_frames import close_session, from_spark, open_session, read_file, rows_within, write_file

# Of rows that become a value, as of all values of a script together; the rest belongs into files. In bytes.
MAX_VALUE_BYTES = 8 * 1024 * 1024


class Engine:
    def __init__(self, spark, unfit):
        self.spark = spark
        self.unfit = unfit

    def names(self):
        return {"spark": self.spark}

    def read(self, path, kind):
        if kind == "json":
            return read_file(self.spark, kind if is_list(path) else "ndjson", path)
        options = {} if kind == "parquet" else {"nullValue": "NA"}
        return read_file(self.spark, kind, path, **options)

    def write(self, value, path, kind):
        if not isinstance(value, DataFrame):
            return False
        write_file(value, kind, path)
        return True

    def owns(self, value):
        return isinstance(value, (DataFrame, Row))

    def plain(self, value):
        if isinstance(value, Row):
            return value.asDict() if hasattr(value, "__fields__") else list(value)
        rows = rows_within(value, MAX_VALUE_BYTES)
        if rows is None:
            raise self.unfit("its rows hold more than 8 MB; declare it as a File, such as {type: File, format: parquet}")
        return [from_spark(row, value.schema) for row in rows]


def is_list(path):
    """Whether a file of JSON is one list, and has not a row on each line."""
    with open(path, encoding="utf-8-sig") as file:
        return file.read(4096).lstrip().startswith("[")


def driver_of_python():
    path = os.path.join(HERE, "..", "..", "script", "drivers", "python.py")
    spec = importlib.util.spec_from_file_location("stepcast_python", os.path.normpath(path))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main(words):
    python = driver_of_python()
    # What lies beside this program is none of the script's.
    sys.path[:] = [folder for folder in sys.path if os.path.abspath(folder or ".") != HERE]
    sys.dont_write_bytecode = WRITES
    spark = open_session()
    python.engine = Engine(spark, python.Unfit)
    try:
        return python.main(words)
    finally:
        close_session(spark)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
