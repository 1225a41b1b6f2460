#!/usr/bin/env python3
"""What must not kill, hang, bloat or corrupt a program: one C or C++ program a matter.

Each program says what it saw and ends with 0 if all its checks hold. They run
on our library; `--lib /usr/lib/x86_64-linux-gnu` shows what the system's does.
ROBUST_SCALE=100 (`make soak-robust`) makes the rounds longer.
"""

import argparse
import concurrent.futures
import os
import pathlib
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(1, str(HERE.parent))

from programs import (COMPILER, compile_program, environment, library_dir,  # noqa: E402
                      run_script)

# Programs with a comment `run alone` measure times that others would spoil.
ALONE = "run alone"


def run_one(program, args):
    """Runs a program; returns (its lines, why it failed or None, seconds)."""
    with tempfile.TemporaryDirectory(prefix="robust-") as scratch:
        env = environment(args.lib, ROBUST_LIBRARY=str(args.lib), TMPDIR=scratch,
                          ROBUST_SCALE=str(args.scale))
        began = time.monotonic()
        output = pathlib.Path(scratch) / ".output"
        with output.open("wb") as sink:
            process = subprocess.Popen([str(program)], cwd=scratch, env=env, stdout=sink,
                                       stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT,
                                       start_new_session=True)
            try:
                code = process.wait(args.timeout)
                trouble = None if code == 0 else f"exit {code}"
            except subprocess.TimeoutExpired:
                trouble = f"not done after {args.timeout} s"
            end_group(process)
        lines = output.read_text(errors="replace").splitlines()
        return lines, trouble, time.monotonic() - began


def end_group(process):
    """Ends the program, and what it may have left running."""
    try:
        os.killpg(process.pid, 9)
    except ProcessLookupError:
        pass
    process.wait()


def parse(argv):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="only these programs")
    parser.add_argument("--lib", default=str(ROOT / "stage" / "lib"), help="the library's folder")
    parser.add_argument("--build", default=str(ROOT / "build" / "robust"))
    parser.add_argument("--scale", type=int, default=int(os.environ.get("ROBUST_SCALE", "1")))
    parser.add_argument("--timeout", type=float, help="seconds a program (default: 120 and more)")
    parser.add_argument("--jobs", type=int, default=4)
    args = parser.parse_args(argv)
    args.lib = library_dir(args.lib)
    args.timeout = args.timeout or 120 + 60 * args.scale
    return args


def report(name, lines, trouble, seconds):
    for line in lines:
        print(f"robust {name}: {line}")
    print(f"robust {name}: {trouble or 'ok'} ({seconds:.1f} s)", flush=True)
    return trouble is None


def main(argv):
    args = parse(argv)
    sources = sorted([*HERE.glob("*.c"), *HERE.glob("*.cpp")])
    if args.names:
        sources = [source for source in sources if source.stem in args.names]
    build, headers = pathlib.Path(args.build).resolve(), list(HERE.glob("*.h"))
    # Reference and ours have the same names, so what is linked to one runs on both.
    options = ["-g", "-O2", "-Werror", "-I", str(ROOT / "include"),
               "-L", str(args.lib), "-lzmq", "-lpthread", "-ldl"]
    programs = {source: compile_program(build / source.stem, [source], options, headers=headers,
                                        need=COMPILER) for source in sources}
    alone = [source for source in sources if ALONE in source.read_text()]
    results = {}
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        jobs = {pool.submit(run_one, programs[source], args): source
                for source in sources if source not in alone}
        for job in concurrent.futures.as_completed(jobs):
            results[jobs[job].stem] = report(jobs[job].stem, *job.result())
    for source in alone:
        results[source.stem] = report(source.stem, *run_one(programs[source], args))
    wrong = [name for name, fine in results.items() if not fine]
    if wrong:
        print(f"robust: failed: {', '.join(wrong)}")
    print(f"{len(results) - len(wrong)} passed, {len(wrong)} failed")
    return 1 if wrong or not results else 0


if __name__ == "__main__":
    run_script("robust", main)
