#!/usr/bin/env python3
"""Runs every C test on the reference libzmq and on ours; the outputs must match.

Each program is compiled once, against the reference's zmq.h, and run twice:
with the system's own libzmq.so.5 and with ours through LD_LIBRARY_PATH. A test
passes if both runs end with exit code 0 and print the same lines. Differences
wanted on purpose stand in improvements.txt.
"""

import argparse
import concurrent.futures
import difflib
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(1, str(ROOT / "tests"))

from programs import (REFERENCE, Failure, compile_program, environment,  # noqa: E402
                      library_dir, run_script)


def run_one(program, lib_dir, timeout, under=()):
    """Runs a test, under another program if asked; returns (output lines, complaint or None)."""
    with tempfile.TemporaryDirectory(prefix="capi-") as scratch:
        loaded = pathlib.Path(scratch) / ".library"
        env = environment(lib_dir, TMPDIR=scratch, CAPI_TESTS_LIBRARY=str(loaded), LC_ALL="C")
        try:
            done = subprocess.run([*under, str(program)], cwd=scratch, env=env, timeout=timeout,
                                  stdin=subprocess.DEVNULL, capture_output=True)
        except subprocess.TimeoutExpired as late:
            text = (late.stdout or b"").decode("latin-1")
            return text.splitlines(), f"not done after {timeout} s"
        lines = done.stdout.decode("latin-1").splitlines()
        complaint = None
        if done.returncode:
            errors = done.stderr.decode("latin-1").strip()[-400:]
            complaint = f"exit {done.returncode}" + (f": {errors}" if errors else "")
        paths = loaded.read_text().split() if loaded.exists() else []
        where = {str(pathlib.Path(p).resolve().parent) for p in paths}
        if lib_dir and where != {str(lib_dir)}:
            complaint = complaint or f"ran on {sorted(where) or 'no library'}, not on {lib_dir}"
        if not lib_dir and not where:
            complaint = complaint or "ran on no libzmq at all"
        return lines, complaint


def read_improvements():
    """Returns {test: [(reference line, our line)]}."""
    wanted = {}
    for number, line in enumerate((HERE / "improvements.txt").read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        fields = line.split("\t")
        if len(fields) != 4 or not fields[3].strip():
            raise Failure(f"improvements.txt:{number}: four fields, please")
        wanted.setdefault(fields[0], []).append((fields[1], fields[2]))
    return wanted


def differences(reference, ours, wanted):
    """Returns the lines to show; empty if the outputs agree."""
    expected, unused = [], list(wanted)
    pairs = dict(wanted)
    for line in reference:
        expected.append(pairs.get(line, line))
        unused = [pair for pair in unused if pair[0] != line]
    report = [f"    listed as an improvement, yet not seen: {old}" for old, _ in unused]
    report += ["    " + d for d in difflib.unified_diff(
        expected, ours, "reference", "ours", lineterm="", n=1)]
    return report


def check(program, args, wanted):
    """Runs one test as often as asked; returns the complaints."""
    first = None
    for _ in range(args.repeat):
        if args.alone:
            ours, complaint = run_one(program, args.lib, args.timeout, shlex.split(args.under))
            if complaint:
                return [f"    ours: {complaint}"] + [f"    | {x}" for x in ours[-5:]]
            continue
        reference, complaint = run_one(program, args.oracle, args.timeout)
        if complaint:
            return [f"    reference: {complaint}"] + [f"    | {x}" for x in reference[-5:]]
        if first is not None and first != reference:
            return ["    the reference differs from one run to the next"] + differences(
                first, reference, [])
        first = reference
        if args.self_check:
            continue
        ours, complaint = run_one(program, args.lib, args.timeout)
        found = differences(reference, ours, wanted)
        if complaint:
            return [f"    ours: {complaint}"] + found[:args.lines]
        if found:
            return found[:args.lines]
    return []


def parse(argv):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="only these tests")
    parser.add_argument("--lib", default=str(ROOT / "stage" / "lib"),
                        help="directory of our libzmq.so.5")
    parser.add_argument("--oracle", help="directory of the reference (default: the system's)")
    parser.add_argument("--include", default="/usr/include", help="directory of its zmq.h")
    parser.add_argument("--build", default=str(ROOT / "build" / "capi-tests"))
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=max(2, os.cpu_count() or 2))
    parser.add_argument("--timeout", type=float, default=30, help="seconds for one run")
    parser.add_argument("--lines", type=int, default=40, help="lines shown of a difference")
    parser.add_argument("--self-check", action="store_true",
                        help="only the reference, to see that it agrees with itself")
    parser.add_argument("--alone", action="store_true",
                        help="only ours, and only whether it ends well")
    parser.add_argument("--under", default="",
                        help="with --alone: the command that runs each program")
    return parser.parse_args(argv)


def main(argv):
    args = parse(argv)
    args.oracle = library_dir(args.oracle, "reference") if args.oracle else None
    args.lib = None if args.self_check else library_dir(args.lib, "ours; make stage")
    if shutil.which(os.environ.get("CC", "cc")) is None:
        raise Failure(f"no C compiler: {REFERENCE}")
    sources = sorted(HERE.glob("*.c"))
    if args.names:
        sources = [s for s in sources if s.stem in args.names]
        if len(sources) != len(set(args.names)):
            raise Failure("unknown test among: " + " ".join(args.names))
    wanted = read_improvements()
    bin_dir, headers = pathlib.Path(args.build).resolve(), list(HERE.glob("*.h"))
    options = ["-std=c99", "-g", "-O1", "-I", args.include, "-lzmq", "-lpthread"]

    def build(source):
        return compile_program(bin_dir / source.stem, [source], options, headers=headers)

    passed = failed = 0
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        programs = list(pool.map(build, sources))
        jobs = {pool.submit(check, p, args, wanted.get(p.name, [])): p.name for p in programs}
        for job in concurrent.futures.as_completed(jobs):
            complaints = job.result()
            print(f"capi-tests {jobs[job]}: {'FAILED' if complaints else 'ok'}", flush=True)
            if complaints:
                print("\n".join(complaints), flush=True)
            failed += bool(complaints)
            passed += not complaints
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    run_script("capi-tests", main)
