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
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
NEED = "needs the reference library with its header (Debian: libzmq3-dev) and a C compiler"


class Failure(Exception):
    """A reason to fail that is worth one line, not a traceback."""


def compile_one(source, bin_dir, include):
    """Compiles a test unless the program is newer than its sources."""
    program = bin_dir / source.stem
    newest = max(p.stat().st_mtime for p in [source, *HERE.glob("*.h")])
    if program.exists() and program.stat().st_mtime > newest:
        return program
    command = [os.environ.get("CC", "cc"), "-std=c99", "-D_GNU_SOURCE", "-g", "-O1",
               "-Wall", "-Wextra", "-I", include, "-o", str(program), str(source),
               "-lzmq", "-lpthread"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    except FileNotFoundError:
        raise Failure(f"no C compiler: {NEED}") from None
    if done.returncode:
        raise Failure(f"{source.name} does not compile; {NEED}\n{done.stderr}")
    if done.stderr:
        raise Failure(f"{source.name} compiles with warnings\n{done.stderr}")
    return program


def run_one(program, lib_dir, timeout):
    """Runs a test; returns (output lines, complaint or None)."""
    with tempfile.TemporaryDirectory(prefix="capi-") as scratch:
        loaded = pathlib.Path(scratch) / ".library"
        env = {k: v for k, v in os.environ.items()
               if k not in ("LD_LIBRARY_PATH", "LD_PRELOAD")}
        env.update(TMPDIR=scratch, CAPI_TESTS_LIBRARY=str(loaded), LC_ALL="C")
        if lib_dir:
            env["LD_LIBRARY_PATH"] = str(lib_dir)
        try:
            done = subprocess.run([str(program)], cwd=scratch, env=env, timeout=timeout,
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
            ours, complaint = run_one(program, args.lib, args.timeout)
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


def library_dir(text, what):
    path = pathlib.Path(text).resolve()
    if path.is_file():
        path = path.parent
    if not (path / "libzmq.so.5").exists():
        raise Failure(f"no libzmq.so.5 in {path} ({what})")
    return path


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
    return parser.parse_args(argv)


def main(argv):
    args = parse(argv)
    args.oracle = library_dir(args.oracle, "reference") if args.oracle else None
    args.lib = None if args.self_check else library_dir(args.lib, "ours; make stage")
    if shutil.which(os.environ.get("CC", "cc")) is None:
        raise Failure(f"no C compiler: {NEED}")
    sources = sorted(HERE.glob("*.c"))
    if args.names:
        sources = [s for s in sources if s.stem in args.names]
        if len(sources) != len(set(args.names)):
            raise Failure("unknown test among: " + " ".join(args.names))
    wanted = read_improvements()
    bin_dir = pathlib.Path(args.build).resolve()
    bin_dir.mkdir(parents=True, exist_ok=True)
    passed = failed = 0
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        programs = list(pool.map(lambda s: compile_one(s, bin_dir, args.include), sources))
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
    try:
        sys.exit(main(sys.argv[1:]))
    except Failure as failure:
        print(f"capi-tests: {failure}", file=sys.stderr)
        print("0 passed, 1 failed")
        sys.exit(1)
