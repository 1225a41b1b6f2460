#!/usr/bin/env python3
"""Measures our library against libzmq and any others, turn and turn about.

The programs are compiled once and run unchanged on each library. Every round
measures each workload on all libraries, beginning with another one each time,
and what the machine does without any library. docs/bench.md says how to read
the table.
"""

import argparse
import os
import pathlib
import platform
import sys
import time

import chart
import report
from library import ROOT, Failure, Library, build, identify_all, measure
from workloads import bare, workloads


def parse(argv):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lib", default=str(ROOT / "stage" / "lib"),
                        help="the library to judge (directory or file)")
    parser.add_argument("--reference", help="what ratios are to (default: the system's libzmq)")
    parser.add_argument("--other", action="append", default=[], metavar="NAME=PATH",
                        help="one more library to compare with; may be repeated")
    parser.add_argument("--only", action="append", default=[],
                        help="only workloads whose name has this text; may be repeated")
    parser.add_argument("--all", action="store_true",
                        help="also the workloads without a target")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.5, help="one measurement")
    parser.add_argument("--cpus", help="processors to use, such as 0,1 (default: all)")
    parser.add_argument("--svg", help="where the chart goes (default: build/bench.svg)")
    parser.add_argument("--include", default="/usr/include", help="directory of zmq.h")
    parser.add_argument("--build", default=str(ROOT / "build" / "bench"))
    parser.add_argument("--json", help="where the figures go (default: build/bench.json)")
    parser.add_argument("--strict", action="store_true", help="a missed target is a failure")
    parser.add_argument("--list", action="store_true", help="only name the workloads")
    return parser.parse_args(argv)


class Progress:
    """On a terminal one line that changes, elsewhere a line a round."""

    def __init__(self, total):
        self.total, self.step, self.begin = total, 0, time.monotonic()
        self.terminal = sys.stderr.isatty()

    def show(self, round_number, what):
        if self.terminal:
            spent = time.monotonic() - self.begin
            left = spent / max(self.step, 1) * (self.total - self.step)
            print(f"\r\033[K[{self.step + 1}/{self.total}, {left:.0f} s left] "
                  f"round {round_number}: {what}", end="", file=sys.stderr, flush=True)
        self.step += 1

    def round_done(self, number, rounds):
        if self.terminal:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
        else:
            print(f"round {number} of {rounds} done, {time.monotonic() - self.begin:.0f} s",
                  file=sys.stderr, flush=True)


def turns(chosen, libraries, number):
    """(workload, library) in the order of a round: none is always the first."""
    shift = number % len(libraries)
    for workload in chosen:
        for library in libraries[shift:] + libraries[:shift]:
            yield workload, library


def run(args, chosen, limits, libraries, directory):
    """Measures everything; figures are {(workload, library): [{metric: figure}]}."""
    cpus = {int(number) for number in (args.cpus or "").split(",") if number}
    figures, failures = {}, {}
    progress = Progress(args.rounds * (len(chosen) * len(libraries) + len(limits)))
    for number in range(args.rounds):
        for workload, library in [*((w, None) for w in limits), *turns(chosen, libraries, number)]:
            key = (workload.name, library.name if library else "bare")
            progress.show(number + 1, f"{workload.name} on {key[1]}")
            if key in failures:
                continue
            try:
                figures.setdefault(key, []).append(
                    measure(directory, workload, library, args.seconds, cpus))
            except Failure as failure:
                failures[key] = str(failure)
                figures[key] = []
        progress.round_done(number + 1, args.rounds)
    return figures, failures


def choose(args):
    chosen = [w for w in workloads()
              if (any(text in w.name for text in args.only) if args.only
                  else args.all or w.core)]
    wanted = {name for w in chosen for name in w.limits}
    return chosen, [w for w in bare()
                    if w.name in wanted or any(text in w.name for text in args.only)]


def main(argv):
    args = parse(argv)
    chosen, limits = choose(args)
    if args.list:
        print("\n".join(w.name for w in chosen + limits))
        return 0
    if not chosen + limits or args.rounds < 1 or args.seconds <= 0:
        raise Failure("nothing to measure")
    libraries = [Library("ours", args.lib), Library("libzmq", args.reference)]
    for other in args.other:
        name, equals, path = other.partition("=")
        if not (name and equals and path) or name in ("bare", *(x.name for x in libraries)):
            raise Failure(f"--other {other}: NAME=PATH with a name of its own is needed")
        libraries.append(Library(name, path))
    directory = pathlib.Path(args.build)
    build(directory, args.include)
    identify_all(libraries, directory)
    begin = time.monotonic()
    figures, failures = run(args, chosen, limits, libraries, directory)

    bare_found = {report.row_name(w, metric):
                  {"unit": metric.unit,
                   **report.summary([f[metric.name] for f in figures[w.name, "bare"]])}
                  for w in limits if figures[w.name, "bare"] for metric in w.metrics}
    table = [row for w in chosen
             for row in report.rows(w, {x.name: figures[w.name, x.name] for x in libraries},
                                    libraries, bare_found)]
    if table:
        report.print_table(table, libraries)
    report.print_bare(bare_found)
    report.print_verdicts(table, libraries)
    print()
    for library in libraries:
        print(f"{library.name}: {library.file}, version {library.version}")
    about = {"machine": platform.platform(),
             "processors": len((args.cpus or "").split(",")) if args.cpus else os.cpu_count(),
             "rounds": args.rounds, "seconds_each": args.seconds}
    out = pathlib.Path(args.json or ROOT / "build" / "bench.json")
    report.write_json(out, about, libraries, table, bare_found, failures)
    picture = pathlib.Path(args.svg or ROOT / "build" / "bench.svg")
    picture.write_text(chart.ratios(table, libraries[1].name))
    print(f"{len(chosen)} workloads, {args.rounds} rounds, "
          f"{time.monotonic() - begin:.0f} s; figures in {out}, chart in {picture}")
    return verdict(args, table, failures, libraries)


def verdict(args, table, failures, libraries):
    """A library that is only compared with may fail; ours and the reference may not."""
    others = {library.name for library in libraries[2:]}
    bad = 0
    for (workload, library), why in failures.items():
        print(f"bench: {'failed' if library in others else 'FAILED'}: {workload} on {library}: "
              f"{why}")
        bad += library not in others
    if args.strict:
        bad += sum(row["verdict"] == "missed" for row in table)
    return 1 if bad else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Failure as failure:
        print(f"bench: {failure}", file=sys.stderr)
        sys.exit(1)
