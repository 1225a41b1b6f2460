#!/usr/bin/env python3
"""How cost grows with the connections of one socket, and with I/O threads.

A table for each library. What one connection or one message costs may not grow
with their number: where it is more than twice what it was with a tenth of them,
the figure is marked `!`, and so is one that is worse than the reference's.
"""

import argparse
import json
import os
import pathlib
import platform
import statistics
import sys
import time

from library import ROOT, Failure, Library, build, execute, identify_all
from report import human

# Metric, its heading, whether more is better, and whether it is held against
# the same with a tenth of the connections. One connection pays for what is
# there once, so that comparison begins with ten.
COLUMNS = {
    "in": (("connect_us", "connect us", False), ("bytes", "B each", False),
           ("idle", "idle %cpu", False), ("", "PULL msg/s", True), ("one", "one alone", True)),
    "out": (("connect_us", "connect us", False), ("bytes", "B each", False),
            ("", "PUB msg/s", True)),
    "threads": (("", "msg/s", True),),
}
GROWN = 2        # a tenfold number may cost this much more for each
PER_PROCESS = {"idle"}  # what all connections cost together: may grow with them


def parse(argv):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lib", default=str(ROOT / "stage" / "lib"))
    parser.add_argument("--reference", help="default: the system's libzmq")
    parser.add_argument("--connections", default="1,10,100,1000,10000")
    parser.add_argument("--threads", default="1,2,4")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--include", default="/usr/include")
    parser.add_argument("--build", default=str(ROOT / "build" / "bench"))
    parser.add_argument("--json", default=str(ROOT / "build" / "bench-scale.json"))
    parser.add_argument("--strict", action="store_true", help="a marked figure is a failure")
    return parser.parse_args(argv)


def once(directory, library, what, count, seconds):
    """{metric: figure} of one run."""
    lines = execute([str(directory / "scale"), what, "tcp", str(count), str(seconds)], library, set())
    library.check(lines)
    results = [line.split() for line in lines if line.startswith("result ")]
    if len(results) != 1:
        raise Failure("no figure")
    found = {name: float(value) for name, value in (w.split("=") for w in results[0][4:])}
    found[""] = float(results[0][1])
    for name, _, more in COLUMNS[what]:
        # No message is ever free, and nothing here moves 300 M a second.
        if not (10 if more else 0) <= found[name] <= 3e8:
            raise Failure(f"implausible: {name} {found[name]:g}")
    return found


def marks(what, medians, reference, counts):
    """{(count, metric): why} for what grows faster than its number, or is behind."""
    found = {}
    for name, _, more in COLUMNS[what]:
        for before, count in zip(counts, counts[1:]):
            if before not in medians or count not in medians or what != "threads" and before < 10:
                continue
            a, b = medians[before][name], medians[count][name]
            grown = a / b if more else b / max(a, 1e-9)
            allowed = GROWN * (count / before if name in PER_PROCESS else 1)
            if grown > allowed and (name not in PER_PROCESS or b > 1):
                found[count, name] = f"{grown:.1f} times the cost for each at {before}"
        for count in counts:
            if reference and count in medians and count in reference and name not in PER_PROCESS:
                a, b = medians[count][name], reference[count][name]
                if (a < 0.95 * b) if more else (a > b / 0.95):
                    found.setdefault((count, name), f"the reference has {human(b)}")
    return found


def print_table(what, library, medians, marked, counts, why_not):
    unit = "I/O threads" if what == "threads" else "connections"
    print(f"\n{library.name}: {unit:>11}"
          + "".join(f"{heading:>13}" for _, heading, _ in COLUMNS[what]))
    for count in counts:
        if count not in medians:
            print(f"{'':{len(library.name)}}  {count:>11}   not done: {why_not[count]}")
            continue
        cells = "".join(f"{human(medians[count][name]) + ('!' if (count, name) in marked else ''):>13}"
                        for name, _, _ in COLUMNS[what])
        print(f"{'':{len(library.name)}}  {count:>11}{cells}")
    for (count, name), why in marked.items():
        heading = next(h for n, h, _ in COLUMNS[what] if n == name)
        print(f"{'':{len(library.name)}}  ! {heading} at {count}: {why}")


def run(directory, libraries, what, counts, args):
    """Medians {library: {count: {metric: figure}}} and what was not possible."""
    rounds = {library.name: {count: [] for count in counts} for library in libraries}
    failed = {library.name: {} for library in libraries}
    for number in range(args.rounds):
        for count in counts:
            for library in libraries if number % 2 == 0 else libraries[::-1]:
                if sys.stderr.isatty():
                    print(f"\r\033[Kround {number + 1}: {what} {count} on {library.name}", end="",
                          file=sys.stderr, flush=True)
                if count in failed[library.name]:
                    continue
                try:
                    rounds[library.name][count].append(
                        once(directory, library, what, count, args.seconds))
                except Failure as failure:
                    failed[library.name][count] = str(failure)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    medians = {name: {count: {metric: statistics.median(f[metric] for f in figures)
                              for metric, *_ in COLUMNS[what]}
                      for count, figures in by_count.items()
                      if figures and count not in failed[name]}
               for name, by_count in rounds.items()}
    return medians, failed


def main(argv):
    args = parse(argv)
    directory = pathlib.Path(args.build)
    libraries = [Library("ours", args.lib), Library("libzmq", args.reference)]
    build(directory, args.include)
    identify_all(libraries, directory)
    kept, bad, begin = {}, 0, time.monotonic()
    for what in ("in", "out", "threads"):
        numbers = args.threads if what == "threads" else args.connections
        counts = sorted({int(word) for word in numbers.split(",") if word})
        medians, failed = run(directory, libraries, what, counts, args)
        kept[what] = {"medians": medians, "failures": failed, "marked": {}}
        for library in libraries:
            reference = medians["libzmq"] if library is libraries[0] else None
            marked = marks(what, medians[library.name], reference, counts)
            print_table(what, library, medians[library.name], marked, counts,
                        failed[library.name])
            kept[what]["marked"][library.name] = [
                {"count": c, "metric": n, "why": why} for (c, n), why in marked.items()]
            if library is libraries[0]:
                bad += len(marked) if args.strict else 0
            # What the system does not permit is said in the table, and is no failure.
            bad += sum("descriptors" not in why for why in failed[library.name].values())
    print()
    for library in libraries:
        print(f"{library.name}: {library.file}, version {library.version}")
    out = pathlib.Path(args.json)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps({"machine": platform.platform(), "processors": os.cpu_count(),
                               "rounds": args.rounds, **kept}, indent=1) + "\n")
    print(f"{time.monotonic() - begin:.0f} s; figures in {out}")
    return 1 if bad else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Failure as failure:
        print(f"bench-scale: {failure}", file=sys.stderr)
        sys.exit(1)
