#!/usr/bin/env python3
"""Lets two libzmq libraries talk to each other, in two processes.

Every compatible pair of socket types runs over tcp, ipc and ws, with each library
in each role and each end as the binder. Afterwards raw.py speaks every version
of the wire protocol to both libraries.
"""

import argparse
import concurrent.futures
import itertools
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(1, str(ROOT / "tests"))

from programs import (Failure, compile_program, environment, library_dir,  # noqa: E402
                      run_script)

# The first of a pair starts the exchange.
PAIRS = [("PAIR", "PAIR"), ("REQ", "REP"), ("REQ", "ROUTER"), ("DEALER", "REP"),
         ("DEALER", "DEALER"), ("DEALER", "ROUTER"), ("ROUTER", "ROUTER"),
         ("PUB", "SUB"), ("PUB", "XSUB"), ("XPUB", "SUB"), ("XPUB", "XSUB"),
         ("PUSH", "PULL")]
# What is bound; the braces stand for a folder.
TRANSPORTS = {"tcp": "tcp://127.0.0.1:*", "ipc": "ipc://{}/s", "ws": "ws://127.0.0.1:*"}
ONE_WAY = {"PUB", "XPUB", "PUSH"}


class Peer:
    """A process that runs one end on one library."""

    def __init__(self, program, arguments, lib_dir, scratch):
        self.lib_dir, self.lines, self.arrived = lib_dir, [], threading.Condition()
        self.process = subprocess.Popen(
            [str(program), *arguments], env=environment(lib_dir), cwd=scratch, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            with self.arrived:
                self.lines.append(line.rstrip("\n"))
                self.arrived.notify_all()
        with self.arrived:
            self.lines.append("end of output")
            self.arrived.notify_all()

    def wait_for(self, word, timeout=20.0):
        """Returns what follows the word on the first line that starts with it."""
        until = time.monotonic() + timeout
        with self.arrived:
            while True:
                for line in self.lines:
                    if line.split(" ")[0] == word:
                        return line[len(word) + 1:]
                if "end of output" in self.lines or time.monotonic() > until:
                    raise Failure(f"no '{word}', but: {' | '.join(self.lines[-3:])}")
                self.arrived.wait(0.5)

    def say(self, text):
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def check_library(self):
        paths = {line.split(" ", 1)[1] for line in self.lines if line.startswith("library ")}
        where = {str(pathlib.Path(p).resolve().parent) for p in paths}
        wanted = self.lib_dir or None
        if not where or (wanted and where != {str(wanted)}):
            raise Failure(f"ran on {sorted(where)}, not on {wanted or 'the system library'}")
        return sorted(paths)

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.reader.join(5)
        self.process.stdin.close()
        self.process.stdout.close()


def exchange(program, first, second, first_lib, second_lib, first_binds, transport):
    """Runs one pair; raises Failure unless both ends are satisfied."""
    with tempfile.TemporaryDirectory(prefix="interop-") as scratch:
        address = TRANSPORTS[transport].format(scratch)
        ends = [(first, "first", first_lib, second), (second, "second", second_lib, first)]
        if not first_binds:
            ends.reverse()
        peers = []
        try:
            for verb, (kind, role, lib, other) in zip(("bind", "connect"), ends):
                peers.append(Peer(program, [kind, role, verb, address, other], lib, scratch))
                address = peers[-1].wait_for("endpoint")
            starter, answerer = peers if first_binds else reversed(peers)
            if first in ("PUB", "XPUB"):
                answerer.wait_for("ready")
                starter.say("go\n")
                answerer.wait_for("done")
                starter.say("end\n")
            results = [peer.wait_for("done").split() for peer in (starter, answerer)]
            for peer in peers:
                if peer.process.wait(timeout=10) != 0:
                    raise Failure(f"exit {peer.process.returncode}")
                peer.check_library()
            return results
        finally:
            for peer in peers:
                peer.end()


def scenarios(ours, other):
    names = {"ours": ours, "other": other}
    for (first, second), libs, first_binds, transport in itertools.product(
            PAIRS, (("ours", "other"), ("other", "ours")), (True, False), TRANSPORTS):
        verb = "binds" if first_binds else "connects"
        label = f"{first}({libs[0]}) {verb}, {second}({libs[1]}), {transport}"
        yield label, (first, second, names[libs[0]], names[libs[1]], first_binds, transport)


def parse(argv):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lib", default=str(ROOT / "stage" / "lib"), help="our library")
    parser.add_argument("--other", help="the other library (default: the system's)")
    parser.add_argument("--include", default="/usr/include", help="directory of zmq.h")
    parser.add_argument("--build", default=str(ROOT / "build" / "interop"))
    parser.add_argument("--only", default="", help="only scenarios whose label has this text")
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("--no-raw", action="store_true", help="leave raw.py out")
    return parser.parse_args(argv)


def main(argv):
    args = parse(argv)
    ours = library_dir(args.lib)
    other = library_dir(args.other) if args.other else None
    program = compile_program(pathlib.Path(args.build) / "peer", [HERE / "peer.c"],
                              ["-std=c99", "-O2", "-I", args.include, "-lzmq"])
    passed = failed = 0
    sums = {}
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        jobs = {pool.submit(exchange, program, *what): label
                for label, what in scenarios(ours, other) if args.only in label}
        for job in concurrent.futures.as_completed(jobs):
            label = jobs[job]
            try:
                results = job.result()
                one_way = label.split("(")[0] in ONE_WAY
                got = results[1] if one_way else results
                if got != sums.setdefault(one_way, got):
                    raise Failure("the checksums differ from other runs")
                passed += 1
            except (Failure, subprocess.TimeoutExpired) as trouble:
                failed += 1
                print(f"interop {label}: FAILED: {trouble}", flush=True)
    print(f"interop: {passed} exchanges of {len(jobs)} between two libraries are right",
          flush=True)
    if not args.no_raw:
        import raw
        more_passed, more_failed = raw.run(program, {"ours": ours, "other": other}, args.only)
        passed, failed = passed + more_passed, failed + more_failed
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    run_script("interop", main)
