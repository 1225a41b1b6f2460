#!/usr/bin/env python3
"""Two hosts on one machine: our library, and libzmq, over a cable that is cut.

Makes pairs of network namespaces joined by a virtual cable, one pair a case,
and removes them afterwards. Needs root, and the commands `ip` and `ss`.
"""

import argparse
import atexit
import concurrent.futures
import pathlib
import signal
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(1, str(HERE.parent))

import cases  # noqa: E402
import hosts  # noqa: E402
from hosts import Net  # noqa: E402
from programs import Failure, compile_program, library_dir, run_script  # noqa: E402


def play(case, program, lib_dir, is_ours):
    """Runs a case on one library. Returns why it says nothing, if it does not."""
    with Net() as net:
        said = case(cases.Stage(net, program, lib_dir, is_ours))
        for host in net.hosts:
            host.check_library()
        return said


def parse(argv):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lib", default=str(ROOT / "stage" / "lib"), help="our library's folder")
    parser.add_argument("--other", help="the reference's folder (default: the system's)")
    parser.add_argument("--include", default="/usr/include", help="directory of zmq.h")
    parser.add_argument("--build", default=str(ROOT / "build" / "netns"))
    parser.add_argument("--only", default="", help="only cases with this in their name")
    parser.add_argument("--all", action="store_true",
                        help="the reference, too, runs what it is known to fail")
    parser.add_argument("--jobs", type=int, default=8)
    parser.add_argument("--times", action="store_true", help="show how long each case took")
    return parser.parse_args(argv)


def main(argv):
    args = parse(argv)
    missing = hosts.what_is_missing()
    if missing:
        raise Failure(missing)
    hosts.sweep()
    atexit.register(hosts.sweep, own=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    libraries = {"ours": library_dir(args.lib),
                 "reference": library_dir(args.other) if args.other else None}
    program = compile_program(pathlib.Path(args.build) / "host", [HERE / "host.c"],
                              ["-std=c99", "-O2", "-I", args.include, "-lzmq", "-lpthread"])
    passed = failed = 0
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        jobs = {}
        for case in cases.CASES:
            for name, lib_dir in libraries.items():
                known = case in cases.OURS_ONLY and name == "reference" and not args.all
                if args.only in case.__name__ and not known:
                    label = f"{name}: {case.__name__}: {case.__doc__}"
                    jobs[pool.submit(timed, play, case, program, lib_dir, name == "ours")] = label
        try:
            for job in concurrent.futures.as_completed(jobs):
                failure = outcome(job, jobs[job], args.times)
                passed, failed = passed + (failure is False), failed + (failure is True)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


def outcome(job, label, times):
    """Reports a case. Returns whether it failed, or None if it says nothing."""
    try:
        seconds, said = job.result()
    except (Failure, OSError, ValueError, subprocess.TimeoutExpired) as trouble:
        print(f"netns {label}: FAILED: {trouble}", flush=True)
        return True
    if said or times:
        print(f"netns {label}: {said or f'{seconds:.1f} s'}", flush=True)
    return None if said else False


def timed(function, *arguments):
    began = time.monotonic()
    result = function(*arguments)
    return time.monotonic() - began, result


if __name__ == "__main__":
    run_script("netns", main)
