"""Runs the query of one task on Spark: reads its plan, makes the tables, runs the statements, writes the outputs.

The rules are those of the SQL backend: rows of the table with an output's name, else those of the last statement.
"""

import csv
import json
import os
import re
import shutil
import sys

# Where the programs are, nothing is to be left.
sys.dont_write_bytecode = True

from pyspark.sql import functions as F
from pyspark.sql import types as T
from pyspark.storagelevel import StorageLevel

from stepcast_frames import ANYTHING, close_session, fresh, from_spark, open_session, read_file, required, rows_within, said, write_file

# Rows that become values may hold so much as JSON; the rest belongs into files. In bytes.
MAX_VALUE_BYTES = 1024 * 1024
# Of rows that no output takes so many are shown.
SHOWN_ROWS = 100

# A table or view that a statement makes lives as long as the query, as it does on the SQL backend.
CREATE = re.compile(
    r"\s*create\s+(?:or\s+replace\s+)?(?:(?:global\s+)?temp(?:orary)?\s+)?(?:table|view)\s+(?:if\s+not\s+exists\s+)?"
    r"(`[^`]+`|\w+)\s+as\b(.*)\Z",
    re.IGNORECASE | re.DOTALL,
)


class QueryFailure(Exception):
    """What its author should know."""


# Types and values


def spark_type(kind):
    kind = required(kind)
    plain = {"boolean": T.BooleanType, "int": T.IntegerType, "long": T.LongType, "float": T.FloatType, "double": T.DoubleType}
    if kind["kind"] in plain:
        return plain[kind["kind"]]()
    if kind["kind"] == "array":
        return T.ArrayType(spark_type(kind["items"]))
    if kind["kind"] == "record":
        return T.StructType([T.StructField(field["name"], spark_type(field["type"])) for field in kind["fields"]])
    return T.StringType()


def to_spark(kind, value):
    """A value of JSON as Spark's own types want it."""
    if value is None:
        return None
    if isinstance(kind, T.ArrayType):
        return [to_spark(kind.elementType, item) for item in value]
    if isinstance(kind, T.StructType):
        return tuple(to_spark(field.dataType, value.get(field.name)) for field in kind.fields)
    if isinstance(kind, (T.FloatType, T.DoubleType)):
        return float(value)
    if isinstance(kind, T.StringType) and not isinstance(value, str):
        return json.dumps(value)
    return value


def literal(kind, value):
    """A column for a parameter of a statement: never text of it."""
    if value is None:
        return F.lit(None)
    if isinstance(kind, T.ArrayType):
        return F.array(*[literal(kind.elementType, item) for item in value])
    if isinstance(kind, T.StructType):
        return F.struct(*[literal(field.dataType, value.get(field.name)).alias(field.name) for field in kind.fields])
    return F.lit(to_spark(kind, value))


def variable_type(variable):
    value = variable["value"]
    if required(variable["type"])["kind"] in ("Any", "union") and isinstance(value, (bool, int, float)):
        if isinstance(value, bool):
            return T.BooleanType()
        return T.LongType() if isinstance(value, int) else T.DoubleType()
    return spark_type(variable["type"])


# Tables


def read_files(spark, table):
    frames = [read_file(spark, table["format"], path) for path in table["paths"]]
    frame = frames[0]
    for other in frames[1:]:
        frame = frame.unionByName(other, allowMissingColumns=True)
    return frame


def make_tables(spark, plan):
    for table in plan["tables"]:
        try:
            if table["kind"] == "files":
                frame = read_files(spark, table)
            else:
                schema = spark_type({"kind": "record", "fields": table["columns"]})
                frame = spark.createDataFrame([to_spark(schema, row) for row in table["rows"]], schema)
        except Exception as error:
            raise QueryFailure(f"The input `{table['name']}` cannot be read as a table. {said(error)}") from error
        frame.createOrReplaceTempView(table["name"])


# Statements


def run_statement(spark, statement, variables, made):
    """The rows of the statement; none for one that has no rows."""
    arguments = {name: variables[name] for name in statement["variables"]}
    text = statement["text"]
    # The name stands behind comments and empty lines, which keep the line numbers of errors.
    creates = CREATE.match(re.sub(r"^(\s*--[^\n]*\n)+", lambda blank: "\n" * blank.group().count("\n"), text))
    if creates:
        name, rows = creates.group(1).strip("`"), creates.group(2)
        before = creates.string[: creates.start(2)].count("\n")
        frame = spark.sql("\n" * before + rows, args=arguments or None)
        frame = frame.persist(StorageLevel.MEMORY_AND_DISK)
        frame.createOrReplaceTempView(name)
        made[name.lower()] = frame
        return None
    frame = spark.sql(text, args=arguments or None)
    return frame if frame.columns else None


def explained(error, statement, plan):
    text = said(error)
    where = "" if re.search(r"\(line \d+|== SQL \(line|line \d+,? pos", text) else f"\n\nIn the statement that begins on line {statement['line']}."
    missing = re.search(r"TABLE_OR_VIEW_NOT_FOUND\W+The table or view `([^`]+)`", text)
    reason = ""
    if missing:
        for name, why in plan["notTables"].items():
            if name.lower() == missing.group(1).lower():
                reason = f"\n\nThere is no table {name}: {why}."
    return QueryFailure(text + where + reason)


# Outputs


def read_rows(frame, outputs):
    rows = rows_within(frame, MAX_VALUE_BYTES)
    if rows is None:
        names = ", ".join(f"`{output['port']}`" for output in outputs)
        raise QueryFailure(
            f"The rows for the output {names} hold more than 1 MB. Select less, or declare a File: {{type: File, format: csv}}."
        )
    return rows


def shape(output, frame, rows):
    """A list takes the column of its name, a list of records all rows, a record the only row, anything else the only cell."""
    kind = required(output["type"])
    wanted = {output["port"].lower(), output["name"].lower()}
    named = next((at for at, name in enumerate(frame.columns) if name.lower() in wanted), None)
    column = named if named is not None else (0 if len(frame.columns) == 1 else None)
    types = [field.dataType for field in frame.schema.fields]

    def record(row, fields):
        known = {field["name"].lower(): field for field in fields}
        result = {}
        for at, name in enumerate(frame.columns):
            field = known.get(name.lower(), {"name": name, "type": ANYTHING})
            result[field["name"]] = from_spark(row[at], types[at], field["type"])
        return result

    if kind["kind"] == "array":
        item = required(kind["items"])
        if item["kind"] == "record" and named is None:
            return [record(row, item["fields"]) for row in rows]
        if column is None:
            raise no_column(output, frame)
        if len(rows) == 1 and item["kind"] != "array" and isinstance(types[column], T.ArrayType):
            return from_spark(rows[0][column], types[column], kind)
        return [from_spark(row[column], types[column], item) for row in rows]
    if len(rows) > 1:
        raise QueryFailure(
            f"Output `{output['port']}` is one value, and the result has {len(rows)} rows. "
            "Select one row, or declare the output as a list."
        )
    if not rows:
        return None
    if kind["kind"] == "record" and named is None:
        return record(rows[0], kind["fields"])
    if column is None:
        raise no_column(output, frame)
    return from_spark(rows[0][column], types[column], kind)


def no_column(output, frame):
    return QueryFailure(
        f"Output `{output['port']}`: the result has no column of this name. "
        f"It has {', '.join(frame.columns)}: add `… AS {output['name']}`."
    )


def show(frame):
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(frame.columns)
    table.writerows(frame.take(SHOWN_ROWS))
    sys.stdout.flush()


def show_all(frame):
    with open(write_file(frame, "csv", fresh("shown")), "rb") as table:
        shutil.copyfileobj(table, sys.stdout.buffer)
    sys.stdout.flush()


def deliver(plan, result, made):
    returned = {}
    outputs = [
        output
        for output in plan["outputs"]
        if output["kind"] == "value" or not (output["found"] and os.path.exists(output["path"]))
    ]
    takers = [output for output in outputs if output["name"].lower() not in made]
    shows = plan["print"] == "all" or not takers
    if result is not None and len(takers) + shows > 1:
        result = result.persist(StorageLevel.MEMORY_AND_DISK)
    rows = None
    for output in outputs:
        frame = made.get(output["name"].lower(), result)
        if frame is None:
            continue
        if output["kind"] == "file":
            returned[output["port"]] = write_file(frame, output["format"], output["path"])
        elif frame is not result:
            returned[output["port"]] = shape(output, frame, read_rows(frame, [output]))
        else:
            rows = read_rows(frame, takers) if rows is None else rows
            returned[output["port"]] = shape(output, frame, rows)
    if result is not None and shows:
        (show_all if plan["print"] == "all" else show)(result)
    if result is None and takers:
        names = ", ".join(f"`{output['port']}`" for output in takers)
        print(
            f"Nothing is left for the output {names}: the last statement gives no rows. "
            "End the query with a SELECT, or create a table of that name.",
            file=sys.stderr,
        )
    return returned


def main(request_file):
    with open(request_file, encoding="utf-8") as file:
        request = json.load(file)
    plan = request["plan"]
    spark = open_session()
    status = 0
    try:
        variables = {one["name"]: literal(variable_type(one), one["value"]) for one in plan["variables"]}
        make_tables(spark, plan)
        result, made, statement = None, {}, None
        try:
            for statement in plan["statements"]:
                result = run_statement(spark, statement, variables, made)
            returned = deliver(plan, result, made)
        except QueryFailure:
            raise
        except Exception as error:
            raise explained(error, statement, plan) from error
        with open(request["returned"], "w", encoding="utf-8") as file:
            json.dump(returned, file, allow_nan=False)
    except QueryFailure as failure:
        print(failure, file=sys.stderr, flush=True)
        status = 1
    except ValueError as error:
        print(f"A result cannot be written down: {error}", file=sys.stderr, flush=True)
        status = 1
    finally:
        close_session(spark)
    sys.exit(status)


main(sys.argv[1])
