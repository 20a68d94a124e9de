"""Runs the script of one Task.

    python.py REQUEST                  runs it at once
    python.py --wait MODULE …          imports the modules, then reads the path of a request from standard input

The script is the module __main__ of its process. Its inputs are variables there, and so are its outputs when it has ended.
"""

import json
import os
import sys


# What the driver of an engine puts around a script: names, tables and values of its own. See spark/drivers/script.py.
engine = None


class Unfit(Exception):
    """A value that cannot be returned; the message says why."""


class Source:
    """Lets tracebacks show the lines of the script, which Python finds under no path by its short name."""

    def __init__(self, text):
        self.text = text

    def get_source(self, name):
        return self.text


def progress(percent, message=""):
    """Tells how far the script has come: 0 to 100, and what it does now."""
    sys.__stdout__.write("::progress %s %s\n" % (percent, " ".join(str(message).split())))
    sys.__stdout__.flush()


def run(request):
    """Runs the script and returns the exit code of the process."""
    shown = os.path.basename(request["source"])
    with open(request["source"], encoding="utf-8") as file:
        text = file.read()
    script = type(sys)("__main__")
    scope = script.__dict__
    scope.update(__file__=request["source"], __loader__=Source(text), __builtins__=__builtins__)
    sys.modules["__main__"] = script
    sys.argv = [shown]
    scope["progress"] = progress
    scope.update(engine.names() if engine else {})
    try:
        inputs = {one["name"]: native(one) for one in request["inputs"]}
        scope.update(inputs=inputs, outputs=request["paths"])
        for one in request["inputs"]:
            scope[one["variable"]] = inputs[one["name"]]
        exec(compile(text, shown, "exec", dont_inherit=True), scope)
        code = 0
    except SystemExit as ending:
        code = exit_code(ending.code)
    except BaseException as error:
        tell(error, shown)
        code = 130 if isinstance(error, KeyboardInterrupt) else 1
    wait_for_threads()
    write_result(request, scope)
    return code


def exit_code(given):
    if given is None:
        return 0
    if isinstance(given, int):
        return given & 0xFF
    print(given, file=sys.stderr)
    return 1


def tell(error, shown):
    """Prints the traceback, which begins in the script."""
    trace = error.__traceback__
    while trace and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    error = error.with_traceback(trace)
    sys.stdout.flush()
    sys.excepthook(type(error), error, trace)
    sys.stderr.flush()


def show(kind, error, trace):
    """As Python itself prints it; but that knows no line of a file without a path."""
    import traceback

    traceback.print_exception(kind, error, trace)


def wait_for_threads():
    """As at the end of any program, before its variables are looked at."""
    threading = sys.modules.get("threading")
    if threading:
        for thread in threading.enumerate():
            if thread is not threading.current_thread() and not thread.daemon:
                thread.join()


def native(port):
    """What a script gets for a value: itself, or the tables in place of their files."""

    def read(value):
        if isinstance(value, list):
            return [read(item) for item in value]
        return None if value is None else (engine or tables()).read(value["path"], value["format"])

    return read(port["value"]) if port["table"] else port["value"]


def tables():
    """The code for tables, which is loaded only for those who need it."""
    folder, writes = os.path.dirname(os.path.abspath(__file__)), sys.dont_write_bytecode
    sys.path.insert(0, folder)
    sys.dont_write_bytecode = True
    try:
        import stepcast_tables
    finally:
        sys.path.remove(folder)
        sys.dont_write_bytecode = writes
    return stepcast_tables


def write_result(request, scope):
    values, faults = {}, {}
    for output in request["outputs"]:
        name = output["name"]
        try:
            value = scope.get(output["variable"])
            values[name] = files(value, output) if holds_files(output["type"]) else plain(value)
        except Unfit as fault:
            faults[name] = str(fault)
        except RecursionError:
            faults[name] = "it is nested too deeply, or holds itself"
        except Exception as error:
            faults[name] = "%s: %s" % (type(error).__name__, error)
    if not request["outputs"]:
        return
    with open(request["result"] + ".part", "w", encoding="utf-8") as file:
        json.dump({"values": values, "faults": faults}, file)
    os.replace(request["result"] + ".part", request["result"])


def holds_files(kind):
    if kind["kind"] == "array":
        return holds_files(kind["items"])
    if kind["kind"] == "union":
        return any(holds_files(one) for one in kind["types"])
    return kind["kind"] in ("File", "Directory")


def files(value, output, number=""):
    """The absolute path or paths; tables and figures are written first."""
    if value is None:
        return None
    if isinstance(value, (str, os.PathLike)):
        return os.path.abspath(os.fsdecode(value))
    stem = output["file"] + number
    if callable(getattr(value, "savefig", None)):
        value.savefig(stem + ".png")
        return stem + ".png"
    if isinstance(value, (list, tuple)) and not all(isinstance(item, dict) for item in value):
        many = len(value) > 1
        return [files(item, output, "-%d" % (index + 1) if many else number) for index, item in enumerate(value)]
    path = "%s.%s" % (stem, output["format"])
    written = engine is not None and engine.write(value, path, output["format"])
    if not written and not tables().write(value, path, output["format"]):
        raise Unfit("expected the path of a file, a table or a figure, found %s" % type(value).__name__)
    return path


def plain(value, missing=False):
    """The value as JSON has it. With `missing`, NaN stands for what is not there, as in columns of tables."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        if value != value and missing:
            return None
        if value != value or value in (float("inf"), float("-inf")):
            raise Unfit("%s is no value that can be passed on; return None or a text in its place" % value)
        return float(value)
    if engine is not None and engine.owns(value):
        return plain(engine.plain(value), True)
    if isinstance(value, dict):
        return {name if isinstance(name, str) else str(plain(name)): plain(part, missing) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item, missing) for item in value]
    return other(value, missing)


def other(value, missing):
    """Numbers, arrays and tables of libraries, and what stands for a text."""
    kind = type(value).__name__
    if kind in ("NAType", "NaTType"):
        return None
    if kind == "DataFrame":
        return plain(value.to_dict(orient="records"), True)
    if callable(getattr(value, "tolist", None)):
        return plain(value.tolist(), missing or kind in ("Series", "Index"))
    if callable(getattr(value, "isoformat", None)):
        return value.isoformat()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if hasattr(value, "_value_") and hasattr(value, "_name_"):
        return plain(value._value_)
    if hasattr(value, "__dataclass_fields__"):
        return {name: plain(getattr(value, name)) for name in value.__dataclass_fields__}
    if hasattr(value, "as_tuple"):
        return plain(float(value))
    raise Unfit("a value of type %s cannot be passed on; make it a number, text, list or dict" % kind)


def main(words):
    # Python puts the folder of the driver first, where a script's own does not look for anything.
    if sys.path and os.path.abspath(sys.path[0] or ".") == os.path.dirname(os.path.abspath(__file__)):
        del sys.path[0]
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = show
    waits = words[0] == "--wait"
    if waits:
        for name in words[1:]:
            __import__(name)
    path = told() if waits else words[0]
    if not path:
        return 0  # nobody needs this interpreter any more
    with open(path, encoding="utf-8") as file:
        request = json.load(file)
    if waits:
        arrive(request)
    return run(request)


def told():
    """What standard input holds, which is then at its end, for the script too."""
    text = b""
    while True:
        piece = os.read(0, 65536)
        if not piece:
            return os.fsdecode(text).strip("\n")
        text += piece


def arrive(request):
    """Takes the place and the environment of the script."""
    os.chdir(request["directory"])
    os.environ.update(request["environment"])
    tempfile = sys.modules.get("tempfile")
    if tempfile:
        tempfile.tempdir = None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
