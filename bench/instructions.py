#!/usr/bin/env python3
"""Counts instructions a message under callgrind, which are steady where times are not.

With --against, fails if the library takes more than --most percent above the other one. Ways
over inproc are exact to an instruction or two; with a connection two threads share the work,
and the least of a few runs counts.
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile

import library
from library import Failure, Library

# Name, arguments of the program, messages a round, few and many rounds.
ROWS = [("push/inproc/64B", "push inproc://x 64", 100, 50, 550),
        ("push/inproc/5000B", "push inproc://x 5000", 100, 50, 550),
        ("echo/inproc/64B", "echo inproc://x 64", 1, 100, 3100),
        ("pub/inproc/64B", "pub inproc://x 64", 100, 50, 550),
        ("route/inproc/64B", "route inproc://x 64", 100, 50, 550),
        ("push/tcp/64B", "push tcp://127.0.0.1:* 64", 100, 50, 550),
        ("echo/tcp/64B", "echo tcp://127.0.0.1:* 64", 1, 50, 550)]
RUNS_WITH_THREADS = 3


def count(directory, lib, arguments, rounds):
    """Instructions of one run."""
    env = dict(lib.environment(), FERROZMQ_SPIN="0")
    with tempfile.TemporaryDirectory(prefix="callgrind-") as scratch:
        done = subprocess.run(
            ["valgrind", "--tool=callgrind", "--fair-sched=yes",
             f"--callgrind-out-file={scratch}/out", str(directory / "instructions"),
             *arguments.split(), str(rounds)],
            env=env, capture_output=True, text=True, timeout=400)
    if done.returncode:
        raise Failure(f"instructions {arguments}: {done.stderr.strip()[-300:]}")
    lib.check(done.stdout.splitlines())
    found = [line.split()[-1] for line in done.stderr.splitlines() if "Collected :" in line]
    return int(found[0])


def per_message(directory, lib, row):
    name, arguments, messages, few, many = row
    runs = 1 if "inproc" in name else RUNS_WITH_THREADS
    return min((count(directory, lib, arguments, many) - count(directory, lib, arguments, few))
               / (messages * (many - few)) for _ in range(runs))


def parse(argv):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lib", default=str(library.ROOT / "stage" / "lib"))
    parser.add_argument("--against", help="another build, such as the one before a change")
    parser.add_argument("--most", type=float, default=5.0, help="percent above it")
    parser.add_argument("--only", default="", help="only rows whose name has this text")
    parser.add_argument("--include", default="/usr/include")
    parser.add_argument("--build", default=str(library.ROOT / "build" / "bench"))
    return parser.parse_args(argv)


def main(argv):
    args = parse(argv)
    directory = pathlib.Path(args.build)
    library.build(directory, args.include)
    libs = [Library("this build", args.lib)]
    if args.against:
        libs.append(Library("the other", args.against))
    for lib in libs:
        lib.identify(directory)
    failed = 0
    for row in [row for row in ROWS if args.only in row[0]]:
        figures = [per_message(directory, lib, row) for lib in libs]
        line = f"{row[0]:20} {figures[0]:10.0f}"
        if len(figures) == 2:
            above = 100 * (figures[0] / figures[1] - 1)
            failed += above > args.most
            line += f" {figures[1]:10.0f} {above:+6.1f} %" + (" FAILED" if above > args.most else "")
        print(line, flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (Failure, OSError, subprocess.SubprocessError) as trouble:
        sys.exit(f"instructions: {trouble}")
