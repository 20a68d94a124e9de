"""Runs the query of one task on Spark: reads its plan, makes the tables, runs the statements, writes the outputs.

The rules are those of the SQL backend: rows of the table with an output's name, else those of the last statement.
"""

import datetime
import decimal
import json
import logging
import os
import re
import shutil
import sys
import tempfile

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T
from pyspark.storagelevel import StorageLevel

# Rows that become values may hold so much as JSON; the rest belongs into files. In bytes.
MAX_VALUE_BYTES = 1024 * 1024
# Of rows that no output takes so many are shown.
SHOWN_ROWS = 100
# Larger whole numbers are changed by what reads JSON as doubles.
MAX_EXACT = 2**53 - 1

# A table or view that a statement makes lives as long as the query, as it does on the SQL backend.
CREATE = re.compile(
    r"\s*create\s+(?:or\s+replace\s+)?(?:(?:global\s+)?temp(?:orary)?\s+)?(?:table|view)\s+(?:if\s+not\s+exists\s+)?"
    r"(`[^`]+`|\w+)\s+as\b(.*)\Z",
    re.IGNORECASE | re.DOTALL,
)


class QueryFailure(Exception):
    """What its author should know."""


def said(error):
    """What Spark says of an error, without where in Spark it arose."""
    text = str(error) if isinstance(error, PySparkException) else f"{type(error).__name__}: {error}"
    return re.split(r"\n\s*at |\nJVM stacktrace:|;\n'", text)[0].strip()


# Types and values


def required(kind):
    if kind["kind"] != "union":
        return kind
    rest = [member for member in kind["types"] if member["kind"] != "null"]
    return rest[0] if len(rest) == 1 else kind


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


def from_spark(value, source, target):
    """A cell as JSON: whole numbers that a double cannot hold stay text, points in time are ISO 8601."""
    if value is None:
        return None
    target = required(target)
    if isinstance(source, T.ArrayType):
        items = target["items"] if target["kind"] == "array" else {"kind": "Any"}
        return [from_spark(item, source.elementType, items) for item in value]
    if isinstance(source, T.StructType):
        fields = {field["name"]: field["type"] for field in target.get("fields", [])}
        names = source.fieldNames()
        return {
            name: from_spark(value[at], source[at].dataType, fields.get(name, {"kind": "Any"}))
            for at, name in enumerate(names)
        }
    if isinstance(source, T.MapType):
        anything = {"kind": "Any"}
        return {
            str(from_spark(key, source.keyType, anything)): from_spark(item, source.valueType, anything)
            for key, item in value.items()
        }
    if isinstance(value, datetime.datetime):
        text = value.isoformat()
        text = text.rstrip("0") if "." in text else text
        return text + ("Z" if isinstance(source, T.TimestampType) else "")
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


# Tables


def read_files(spark, table, tmp):
    frames = [read_file(spark, table["format"], plain_path(path, tmp)) for path in table["paths"]]
    frame = frames[0]
    for other in frames[1:]:
        frame = frame.unionByName(other, allowMissingColumns=True)
    return frame


def plain_path(path, tmp):
    """Spark takes paths as patterns, and has no way to write a sign of theirs plainly: such files get another name."""
    if re.search(r"[{}\[\]*?\\^]", path):
        folder = tempfile.mkdtemp(dir=tmp)
        plain = os.path.join(folder, "table" + os.path.splitext(path)[1])
        os.link(path, plain)
        path = plain
    return "file://" + path


def read_file(spark, form, path):
    if form in ("csv", "tsv"):
        separator = "\t" if form == "tsv" else ","
        return spark.read.csv(path, header=True, inferSchema=True, sep=separator, quote='"', escape='"', multiLine=True)
    if form in ("json", "ndjson"):
        return spark.read.json(path, multiLine=form == "json")
    return spark.read.parquet(path)


def make_tables(spark, plan, tmp):
    for table in plan["tables"]:
        try:
            if table["kind"] == "files":
                frame = read_files(spark, table, tmp)
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


def write_file(frame, form, path, tmp):
    """One file: what Spark writes is a folder with the part in it."""
    folder = os.path.join(tmp, "written-" + re.sub(r"\W", "_", path))
    writer = frame.coalesce(1).write.mode("overwrite")
    target = "file://" + folder
    if form in ("csv", "tsv"):
        separator = "\t" if form == "tsv" else ","
        writer.csv(target, header=True, sep=separator, quote='"', escape='"')
    elif form in ("json", "ndjson"):
        writer.json(target, ignoreNullFields=False)
    else:
        writer.parquet(target)
    parts = [name for name in os.listdir(folder) if name.startswith("part-")]
    if os.path.dirname(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
    if form == "json":
        list_of_lines(os.path.join(folder, parts[0]) if parts else None, path)
    elif parts and (form == "parquet" or os.path.getsize(os.path.join(folder, parts[0])) > 0):
        shutil.move(os.path.join(folder, parts[0]), path)
    else:
        with open(path, "w", encoding="utf-8") as file:
            file.write(separator.join(frame.columns) + "\n" if form in ("csv", "tsv") else "")
    shutil.rmtree(folder, ignore_errors=True)
    return path


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


def read_rows(frame, outputs):
    rows, size = [], 0
    for row in frame.toLocalIterator():
        size += len(str(row))
        if size > MAX_VALUE_BYTES:
            names = ", ".join(f"`{output['port']}`" for output in outputs)
            raise QueryFailure(
                f"The rows for the output {names} hold more than 1 MB. Select less, or declare a File: {{type: File, format: csv}}."
            )
        rows.append(row)
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
            field = known.get(name.lower(), {"name": name, "type": {"kind": "Any"}})
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


def show(frame, everything):
    rows = frame if everything else frame.limit(SHOWN_ROWS)
    print(",".join(frame.columns))
    for row in rows.toLocalIterator():
        print(",".join("" if cell is None else str(cell) for cell in row))
    sys.stdout.flush()


def deliver(plan, result, made, tmp):
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
            returned[output["port"]] = write_file(frame, output["format"], output["path"], tmp)
        elif frame is not result:
            returned[output["port"]] = shape(output, frame, read_rows(frame, [output]))
        else:
            rows = read_rows(frame, takers) if rows is None else rows
            returned[output["port"]] = shape(output, frame, rows)
    if result is not None and shows:
        show(result, plan["print"] == "all")
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
    spark = SparkSession.builder.getOrCreate()
    spark.sparkContext.setLogLevel("WARN")
    # Errors of queries are told once, in words.
    for name in ("SQLQueryContextLogger", "DataFrameQueryContextLogger"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    spark.conf.set("spark.sql.session.timeZone", os.environ.get("TZ", "UTC"))
    status = 0
    try:
        variables = {one["name"]: literal(variable_type(one), one["value"]) for one in plan["variables"]}
        make_tables(spark, plan, request["tmp"])
        result, made, statement = None, {}, None
        try:
            for statement in plan["statements"]:
                result = run_statement(spark, statement, variables, made)
            returned = deliver(plan, result, made, request["tmp"])
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
        spark.stop()
    sys.exit(status)


main(sys.argv[1])
