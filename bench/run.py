#!/usr/bin/env python3
"""Measures two libzmq libraries against each other, turn and turn about.

The programs are compiled once and run unchanged on each library. Every round
measures each workload on both libraries, in alternating order. The table gives
medians, the spread (half the distance of the extremes, in percent of the
median) and how many times better the first library is than the second.
"""

import argparse
import json
import math
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import time

import chart

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
NEED = "needs the reference library with its header (Debian: libzmq3-dev) and a C compiler"
TRANSPORTS = ("tcp", "ipc", "inproc")
SIZES = ((8, "8B"), (64, "64B"), (1024, "1KiB"), (65536, "64KiB"), (1048576, "1MiB"))


class Failure(Exception):
    """A reason to fail that is worth one line, not a traceback."""


class Workload:
    """One measurement: the command and what its figure means."""

    def __init__(self, name, program, arguments, unit, more_is_better, low, high, extra=None):
        self.name, self.program, self.arguments = name, program, arguments
        self.unit, self.more_is_better = unit, more_is_better
        self.low, self.high = low, high  # what is still plausible
        self.extra = extra               # (name, unit) of a second figure, less is better

    def ratio(self, first, second):
        """How many times better the first figure is than the second."""
        return first / second if self.more_is_better else second / first


def workloads(seconds):
    each = str(seconds)
    for transport in TRANSPORTS:
        for size, label in SIZES:
            yield Workload(f"throughput/{transport}/{label}", "throughput",
                           [transport, str(size), each], "msg/s", True, 10, 1e9)
    for size, label in ((64, "64B"), (65536, "64KiB")):
        yield Workload(f"curve/tcp/{label}", "throughput", ["tcp", str(size), each, "curve"],
                       "msg/s", True, 10, 1e9)
    for transport in TRANSPORTS:
        yield Workload(f"latency/{transport}/64B", "latency", [transport, "64", each],
                       "us", False, 0.05, 1e5)
    for what, label in (("in", "8-push-1-pull"), ("out", "pub-8-subs"),
                        ("router", "router-8-dealers")):
        for transport in TRANSPORTS:
            yield Workload(f"{label}/{transport}/64B", "fan", [what, transport, "64", each],
                           "msg/s", True, 10, 1e9)
    for transport in ("tcp", "ipc"):
        for peers in (1, 2, 3, 4, 8):
            yield Workload(f"echo-{peers}-dealers/{transport}/64B", "fan",
                           ["echo", transport, "64", each, str(peers)], "req/s", True, 10, 1e9)
    for transport in ("tcp", "inproc"):
        yield Workload(f"proxy/{transport}/64B", "proxy", [transport, "64", each],
                       "msg/s", True, 10, 1e9)
    for count in (100, 2000):
        yield Workload(f"poll/{count}-sockets", "many", ["poll", str(count), each],
                       "us", False, 0.001, 1e6)
    yield Workload("subscriptions/200000", "many", ["subscriptions", "200000", each],
                   "sub/s", True, 10, 1e9, ("bytes_each", "B"))
    yield Workload("matching/200000", "many", ["matching", "200000", each],
                   "msg/s", True, 10, 1e9)
    yield Workload("memory/tcp-pair", "many", ["pairs", "200", each], "B", False, 100, 1e8)
    yield Workload("memory/ipc-pair", "many", ["ipc-pairs", "200", each], "B", False, 100, 1e8)
    yield Workload("context/create-destroy", "many", ["contexts", "1", each],
                   "us", False, 0.05, 1e6)


class Library:
    def __init__(self, name, path):
        self.name, self.dir = name, None
        if path:
            where = pathlib.Path(path).resolve()
            self.dir = where.parent if where.is_file() else where
            if not (self.dir / "libzmq.so.5").exists():
                raise Failure(f"no libzmq.so.5 in {self.dir} (make stage?)")
        self.seen = None

    def environment(self):
        env = {k: v for k, v in os.environ.items()
               if k not in ("LD_LIBRARY_PATH", "LD_PRELOAD")}
        if self.dir:
            env["LD_LIBRARY_PATH"] = str(self.dir)
        return env

    def check(self, paths):
        where = {str(pathlib.Path(p).resolve().parent) for p in paths}
        if not where or (self.dir and where != {str(self.dir)}):
            raise Failure(f"ran on {sorted(where)}, not on {self.dir or 'the system library'}")
        self.seen = sorted(paths)[0]


def build(directory, include):
    directory.mkdir(parents=True, exist_ok=True)
    for source in sorted(HERE.glob("*.c")):
        command = [os.environ.get("CC", "cc"), "-std=c99", "-D_GNU_SOURCE", "-O2", "-Wall",
                   "-Wextra", "-I", include, "-o", str(directory / source.stem), str(source),
                   "-lzmq", "-lpthread"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        except FileNotFoundError:
            raise Failure(f"no C compiler: {NEED}") from None
        if done.returncode:
            raise Failure(f"{source.name} does not compile; {NEED}\n{done.stderr}")


CPUS = set()


def pin():
    """In the child: only the processors that were asked for."""
    if CPUS:
        os.sched_setaffinity(0, CPUS)


def measure(directory, workload, library):
    """Runs one measurement; returns the figure and the second figure or None."""
    command = [str(directory / workload.program), *workload.arguments]
    try:
        done = subprocess.run(command, env=library.environment(), capture_output=True,
                              text=True, timeout=150, preexec_fn=pin)
    except subprocess.TimeoutExpired:
        raise Failure(f"{workload.name} on {library.name}: not done after 150 s") from None
    where = f"{workload.name} on {library.name}"
    if done.returncode:
        raise Failure(f"{where}: exit {done.returncode}: {done.stderr.strip()[-300:]}")
    lines = done.stdout.splitlines()
    library.check({line.split(" ", 1)[1] for line in lines if line.startswith("library ")})
    results = [line.split() for line in lines if line.startswith("result ")]
    if len(results) != 1:
        raise Failure(f"{where}: no figure")
    figure, count = float(results[0][1]), float(results[0][3])
    if not math.isfinite(figure) or not workload.low <= figure <= workload.high or count < 1:
        raise Failure(f"{where}: implausible figure {figure}")
    extra = dict(word.split("=") for word in results[0][4:])
    second = None
    if workload.extra:
        second = float(extra[workload.extra[0]])
        if not math.isfinite(second) or not 0 < second < 1e9:
            raise Failure(f"{where}: implausible {workload.extra[0]} {second}")
    return figure, second


def human(figure):
    for limit, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(figure) >= limit:
            return f"{figure / limit:.3g}{letter}"
    return f"{figure:.3g}"


def summary(figures):
    middle = statistics.median(figures)
    return {"median": middle, "spread_percent": (max(figures) - min(figures)) / 2 / middle * 100,
            "all": figures}


def rows(workload, figures, libraries):
    """The table rows of a workload: the figure, and the second one if there is one."""
    kinds = [("", workload.unit, 0, workload.ratio)]
    if workload.extra:
        kinds.append((" " + workload.extra[0], workload.extra[1], 1, lambda a, b: b / a))
    for suffix, unit, index, ratio in kinds:
        found = [summary([f[index] for f in figures[library.name]]) for library in libraries]
        yield {"workload": workload.name + suffix, "unit": unit,
               libraries[0].name: found[0], libraries[1].name: found[1],
               "times_better": ratio(found[0]["median"], found[1]["median"])}


def print_table(table, libraries):
    first, second = (library.name for library in libraries)
    width = max(len(row["workload"]) for row in table)
    print(f"\n{'workload':{width}}  {'unit':>6}  {first:>10} {'±%':>4}  {second:>10} {'±%':>4}"
          f"  {'better':>7}")
    for row in table:
        a, b = row[first], row[second]
        print(f"{row['workload']:{width}}  {row['unit']:>6}  {human(a['median']):>10}"
              f" {a['spread_percent']:>4.0f}  {human(b['median']):>10}"
              f" {b['spread_percent']:>4.0f}  {row['times_better']:>6.2f}x")


def parse(argv):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lib", default=str(ROOT / "stage" / "lib"),
                        help="the library to judge (directory or file)")
    parser.add_argument("--other", help="the one to compare with (default: the system's)")
    parser.add_argument("--only", action="append", default=[],
                        help="only workloads whose name has this text; may be repeated")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.6, help="one measurement")
    parser.add_argument("--cpus", help="processors to use, such as 0,1 (default: all)")
    parser.add_argument("--svg", help="where the chart goes (default: build/bench.svg)")
    parser.add_argument("--include", default="/usr/include", help="directory of zmq.h")
    parser.add_argument("--build", default=str(ROOT / "build" / "bench"))
    parser.add_argument("--json", help="where the figures go (default: build/bench.json)")
    parser.add_argument("--list", action="store_true", help="only name the workloads")
    return parser.parse_args(argv)


def run(args, chosen, libraries):
    """Measures everything; returns {workload: {library: [(figure, second)]}} and failures."""
    directory = pathlib.Path(args.build)
    build(directory, args.include)
    figures = {w.name: {library.name: [] for library in libraries} for w in chosen}
    failures = {}
    total, step = args.rounds * len(chosen) * 2, 0
    for number in range(args.rounds):
        for workload in chosen:
            # Neither library is always the one that finds the machine warm.
            order = libraries if number % 2 == 0 else libraries[::-1]
            for library in order:
                step += 1
                if sys.stderr.isatty():
                    print(f"\r\033[K[{step}/{total}] round {number + 1}: {workload.name} on "
                          f"{library.name}", end="", file=sys.stderr, flush=True)
                if workload.name in failures:
                    continue
                try:
                    figures[workload.name][library.name].append(
                        measure(directory, workload, library))
                except Failure as failure:
                    failures[workload.name] = str(failure)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    return figures, failures


def main(argv):
    args = parse(argv)
    CPUS.update(int(number) for number in (args.cpus or "").split(",") if number)
    chosen = [w for w in workloads(args.seconds)
              if not args.only or any(text in w.name for text in args.only)]
    if args.list:
        print("\n".join(w.name for w in chosen))
        return 0
    if not chosen or args.rounds < 1:
        raise Failure("nothing to measure")
    libraries = [Library("ours", args.lib), Library("other", args.other)]
    begin = time.monotonic()
    figures, failures = run(args, chosen, libraries)
    table = [row for w in chosen if w.name not in failures
             for row in rows(w, figures[w.name], libraries)]
    if table:
        print_table(table, libraries)
    for library in libraries:
        print(f"{library.name}: {library.seen}")
    out = pathlib.Path(args.json or ROOT / "build" / "bench.json")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps({
        "machine": platform.platform(), "processors": len(CPUS) or os.cpu_count(), "rounds": args.rounds,
        "seconds_each": args.seconds, "libraries": {x.name: x.seen for x in libraries},
        "workloads": table, "failures": failures}, indent=1) + "\n")
    picture = pathlib.Path(args.svg or ROOT / "build" / "bench.svg")
    picture.write_text(chart.ratios([(row["workload"], row["times_better"]) for row in table]))
    print(f"{len(chosen)} workloads, {args.rounds} rounds, "
          f"{time.monotonic() - begin:.0f} s; figures in {out}")
    for failure in failures.values():
        print(f"bench: FAILED: {failure}")
    return 1 if failures else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Failure as failure:
        print(f"bench: {failure}", file=sys.stderr)
        sys.exit(1)
