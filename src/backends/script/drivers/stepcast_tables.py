"""Tables of Python scripts: DataFrames where pandas is installed, else dicts of columns."""

import csv
import json

MISSING = ("", "NA", "NaN", "null")
SEPARATORS = {"csv": ",", "tsv": "\t"}


def read(path, kind):
    pandas = optional("pandas")
    if kind == "parquet":
        if not pandas:
            raise ImportError("a Parquet file is read by pandas and pyarrow: pip install pandas pyarrow")
        return pandas.read_parquet(path)
    if kind == "json":
        columns = columns_of_json(path)
        return pandas.DataFrame(columns) if pandas else arrays(columns)
    if pandas:
        return pandas.read_csv(path, sep=SEPARATORS[kind])
    return arrays(columns_of_text(path, SEPARATORS[kind]))


def optional(name):
    try:
        return __import__(name)
    except ImportError:
        return None


def columns_of_json(path):
    """A list of rows, an object of columns, or a row on each line."""
    with open(path, encoding="utf-8-sig") as file:
        text = file.read()
    try:
        data = json.loads(text)
    except ValueError:
        data = [json.loads(line) for line in text.splitlines() if line.strip()]
    if isinstance(data, dict) and all(isinstance(column, list) for column in data.values()):
        return data
    rows = data if isinstance(data, list) else [data]
    names = {}
    for row in rows:
        names.update(dict.fromkeys(row))
    return {name: [row.get(name) for row in rows] for name in names}


def columns_of_text(path, separator):
    with open(path, encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file, delimiter=separator)
        names = next(rows, [])
        columns = [[] for _ in names]
        for row in rows:
            if not row:
                continue
            if len(row) != len(names):
                raise ValueError("line %d of %s has %d cells, and the header %d" % (rows.line_num, path, len(row), len(names)))
            for column, cell in zip(columns, row):
                column.append(cell)
    return {name: typed(column) for name, column in zip(names, columns)}


def typed(cells):
    """The cells as whole numbers, numbers, truths or texts; None for what is missing."""
    for convert in (int, float, truth):
        try:
            return [None if cell in MISSING else convert(cell) for cell in cells]
        except ValueError:
            continue
    return [None if cell == "" else cell for cell in cells]


def truth(cell):
    if cell.lower() in ("true", "false"):
        return cell.lower() == "true"
    raise ValueError(cell)


def arrays(columns):
    """NumPy arrays of numbers, with NaN for what is missing, where NumPy is installed."""
    numpy = optional("numpy")
    if not numpy:
        return columns
    result = {}
    for name, cells in columns.items():
        numbers = all(cell is None or type(cell) in (int, float) for cell in cells)
        if numbers and None in cells:
            cells = [float("nan") if cell is None else float(cell) for cell in cells]
        result[name] = numpy.array(cells) if None not in cells else numpy.array(cells, dtype=object)
    return result


def write(table, path, kind):
    """Writes a DataFrame, a Series, a dict of columns or a list of rows. False for what is no table."""
    pandas = optional("pandas") if type(table).__module__.startswith("pandas") or kind == "parquet" else None
    if pandas and isinstance(table, pandas.Series):
        table = table.to_frame()
    if pandas and isinstance(table, (dict, list)):
        table = pandas.DataFrame(table)
    if pandas and isinstance(table, pandas.DataFrame):
        return write_frame(table, path, kind)
    columns = columns_of(table)
    if columns is None:
        return False
    if kind == "parquet":
        raise ImportError("a Parquet file is written by pandas and pyarrow: pip install pandas pyarrow")
    rows = list(zip(*columns.values()))
    with open(path, "w", encoding="utf-8", newline="") as file:
        if kind == "json":
            json.dump([dict(zip(columns, map(cell_of, row))) for row in rows], file, ensure_ascii=False)
            return True
        writer = csv.writer(file, delimiter=SEPARATORS[kind], lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([["" if is_missing(cell) else cell for cell in row] for row in rows])
    return True


def write_frame(frame, path, kind):
    # An index without a name only counts the rows.
    named = any(name is not None for name in frame.index.names)
    if kind == "parquet":
        frame.to_parquet(path, index=named)
    elif kind == "json":
        (frame.reset_index() if named else frame).to_json(path, orient="records", date_format="iso", force_ascii=False)
    else:
        frame.to_csv(path, sep=SEPARATORS[kind], index=named)
    return True


def columns_of(table):
    if isinstance(table, dict):
        columns = {name: column.tolist() if hasattr(column, "tolist") else column for name, column in table.items()}
        return columns if all(isinstance(column, (list, tuple)) for column in columns.values()) else None
    if isinstance(table, (list, tuple)) and table and all(isinstance(row, dict) for row in table):
        names = {}
        for row in table:
            names.update(dict.fromkeys(row))
        return {name: [row.get(name) for row in table] for name in names}
    return None


def is_missing(cell):
    return cell is None or cell != cell


def cell_of(cell):
    return None if is_missing(cell) else cell.item() if hasattr(cell, "item") else cell
