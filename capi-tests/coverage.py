#!/usr/bin/env python3
"""Holds the table of what is tested against the header, the tests and the page.

coverage.tsv has a row for each public name of zmq.h: which of our own programs
exercises it on the reference library and on ours, and in what state it is here.
A name without a row, a row without a test, a test that does not exist or does
not use the name, and a page docs/compatibility.md that is not what the table
says are failures. --write makes the page anew.
"""

import argparse
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(1, str(ROOT / "tests"))

from programs import Failure, run_script  # noqa: E402

KINDS = {
    "function": "Functions",
    "socket type": "Socket types",
    "socket option": "Socket options",
    "context option": "Context options",
    "monitor event": "Monitor events",
    "number": "Flags, codes and other numbers",
    "error": "Error numbers",
    "type": "Types",
}
# Kinds whose rows need a program that runs, not only one that compiles.
RUN = {"function", "socket type", "socket option", "context option", "monitor event"}
STATES = {
    "works": "a test shows its effect, the same on both libraries",
    "stored": "taken, checked and read back as libzmq does; there is nothing for it to change here",
    "absent": "belongs to a part that is not built in: refused, as by a libzmq built without it",
    "newer": "works; the reference library is too old to know it",
    "number": "has libzmq's value",
}
# Of our own, so that there is nothing to compare: tests/spin.rs.
OWN = {"ZMQ_FERRO_SPIN", "ZMQ_FERRO_MONITOR_DROPS"}
# Marks that a compiler is given, of no meaning to a program.
NOT_FOR_PROGRAMS = {"ZMQ_EXPORT", "ZMQ_MSG_ALIGNED_", "ZMQ_DEFINED_STDINT"}
NAME = r"(?:zmq_[a-z0-9_]+|ZMQ_[A-Z0-9_]+|E[A-Z0-9]+)"


class Row:
    """One line of the table."""

    def __init__(self, number, fields):
        self.number = number
        self.name, self.kind, tests, self.state, self.remark = fields
        self.tests = [] if tests == "-" else tests.split()


class Header:
    """The public names of a zmq.h, by where they are declared."""

    def __init__(self, text):
        text = without_comments(text)
        stable, _, draft = text.partition("#ifdef ZMQ_BUILD_DRAFT_API")
        self.functions = set(re.findall(r"ZMQ_EXPORT[^;]*?\b(zmq_\w+)\s*\(", stable))
        self.types = set(re.findall(r"\}\s*(zmq_\w+)\s*;", stable))
        self.types |= set(re.findall(r"typedef[^;{]*\(\s*(zmq_\w+)\s*\)\s*\(", stable))
        self.types |= set(re.findall(r"typedef[^;{(]*\b(zmq_\w+)\s*;", stable))
        self.macros = defines(stable)
        self.draft_macros = defines(draft)
        self.required = (self.functions | self.types | self.macros) - NOT_FOR_PROGRAMS - OWN

    def declares(self, row):
        if row.kind == "function":
            return row.name in self.functions
        if row.kind == "type":
            return row.name in self.types
        return row.name in self.macros | self.draft_macros


def defines(text):
    return set(re.findall(rf"^\s*#\s*define\s+({NAME})\b", text, re.M))


def without_comments(text):
    return re.sub(r"/\*.*?\*/|//[^\n]*", " ", text, flags=re.S)


def code_of(path):
    """The code of a C file: without comments and texts, with its list of options."""
    text = path.read_text()
    listed = re.search(r'#\s*include\s+"options\.h"', text)
    text = re.sub(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])+'", " ", text, flags=re.S)
    if listed:
        text += code_of(path.with_name("options.h"))
    return re.sub(r"\bOPTION\s*\(\s*(\w+)\s*\)", r"ZMQ_\1", text)


def uses(code, row):
    call = r"\s*\(" if row.kind == "function" else r"\b"
    return re.search(rf"\b{re.escape(row.name)}{call}", code) is not None


def test_path(root, test):
    folder = root if test.startswith("interop/") else root / "capi-tests"
    return folder / f"{test}.c"


def read_table(path):
    rows = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        fields = line.split("\t")
        if len(fields) != 5:
            raise Failure(f"{path.name}:{number}: five fields, please")
        rows.append(Row(number, fields))
    return rows


def check_names(header, rows):
    """Every public name has a row, and every row a public name."""
    found = [f"{name}: no row" for name in sorted(header.required - {r.name for r in rows})]
    seen = set()
    for row in rows:
        if row.kind not in KINDS:
            found.append(f"{row.name}: what is a {row.kind}?")
        elif not header.declares(row):
            found.append(f"{row.name}: zmq.h has no such {row.kind}")
        if (row.name, row.kind) in seen:
            found.append(f"{row.name}: twice")
        seen.add((row.name, row.kind))
    return found


def check_row(root, row, cache):
    """The row's tests exist and use its name."""
    if row.state not in STATES:
        return [f"{row.name}: no such state: {row.state}"]
    if not row.tests:
        return [f"{row.name}: no test"]
    found = []
    for test in row.tests:
        path = test_path(root, test)
        if test not in cache:
            cache[test] = code_of(path) if path.is_file() else None
        if cache[test] is None:
            found.append(f"{row.name}: no test {test}")
        elif not uses(cache[test], row):
            found.append(f"{row.name}: {test} does not use it")
    if row.kind in RUN and all(test.startswith("header/") for test in row.tests):
        found.append(f"{row.name}: no test that runs")
    return found


def page(root, rows):
    """The text of docs/compatibility.md."""
    out = ["# Compatibility", "",
           "Every public name of libzmq's stable interface, deprecated ones included, and the draft options",
           "that a stable libzmq takes. The tests named are programs that run on the system's libzmq and on",
           "this library, and have to print the same lines (`make test`).", "",
           "Made by `capi-tests/coverage.py --write` from `coverage.tsv` and `improvements.txt`.", "",
           "| state | meaning |", "| --- | --- |"]
    used = {row.state for row in rows}
    out += [f"| {state} | {meaning} |" for state, meaning in STATES.items() if state in used]
    out += ["", "| | " + " | ".join(s for s in STATES if s in used) + " |",
            "| --- |" + " ---: |" * len(used)]
    for kind, title in KINDS.items():
        counts = [sum(r.kind == kind and r.state == s for r in rows) for s in STATES if s in used]
        out.append(f"| {title} | " + " | ".join(str(n) if n else "" for n in counts) + " |")
    for kind, title in KINDS.items():
        out += ["", f"## {title}", "", "| name | state | tests | remark |", "| --- | --- | --- | --- |"]
        for row in rows:
            if row.kind == kind:
                tests = ", ".join(f"[{t}]({link(t)})" for t in row.tests)
                remark = "" if row.remark == "-" else row.remark
                out.append(f"| `{row.name}` | {row.state} | {tests} | {remark} |")
    out += ["", "## Differences on purpose", "",
            "Lines that the tests print otherwise on the two libraries.", "",
            "| test | libzmq | ferrozmq | reason |", "| --- | --- | --- | --- |"]
    for line in (root / "capi-tests" / "improvements.txt").read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            test, theirs, ours, reason = line.split("\t")
            out.append(f"| [{test}]({link(test)}) | `{theirs}` | `{ours}` | {reason} |")
    return "\n".join(out) + "\n"


def link(test):
    return f"../{test}.c" if test.startswith("interop/") else f"../capi-tests/{test}.c"


def check(root, write=False):
    """All checks; returns {what is checked: complaints}."""
    header = Header((root / "include" / "zmq.h").read_text())
    rows = read_table(root / "capi-tests" / "coverage.tsv")
    results, cache = {"names": check_names(header, rows)}, {}
    for kind in KINDS:
        results[kind] = [c for r in rows if r.kind == kind for c in check_row(root, r, cache)]
    target = root / "docs" / "compatibility.md"
    text = page(root, rows)
    if write:
        target.parent.mkdir(exist_ok=True)
        target.write_text(text)
    fresh = target.is_file() and target.read_text() == text
    results["page"] = [] if fresh else [
        "docs/compatibility.md is not what the table says; run capi-tests/coverage.py --write"]
    return results


def main(argv):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="make docs/compatibility.md anew")
    args = parser.parse_args(argv)
    import coverage_selftest
    results = {**coverage_selftest.results(), **check(ROOT, args.write)}
    failed = 0
    for what, complaints in results.items():
        print(f"coverage {what}: {'FAILED' if complaints else 'ok'}")
        for complaint in complaints:
            print(f"    {complaint}")
        failed += bool(complaints)
    print(f"{len(results) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    run_script("coverage", main)
