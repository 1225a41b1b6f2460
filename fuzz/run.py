#!/usr/bin/env python3
"""Builds the fuzz targets and runs them, one after the other.

    fuzz/run.py [--seconds N] [--runs N] [--merge] [TARGET]...

Inputs that bring new coverage go to target/fuzz/corpus/TARGET, on top of those
of fuzz/corpus/TARGET; what makes a target fail is kept in target/fuzz/findings.
--merge takes the smallest set with the same coverage into fuzz/corpus.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(os.path.dirname(HERE), "target", "fuzz")
# Longest inputs, in bytes: short ones are tried more often.
LONGEST = {"z85": 64, "endpoints": 120, "subscriptions": 150, "curve": 400}
LONG = 300
# A kept input of more bytes than this costs more than it tells.
KEPT = 200
MEMORY = 1500  # MiB
SANITIZER = "detect_leaks=1:allocator_may_return_null=1"


def targets():
    names = os.listdir(os.path.join(HERE, "fuzz_targets"))
    return sorted(name[:-3] for name in names if name.endswith(".rs"))


def build():
    """Returns the folder of the programs."""
    for tool, package in [("cargo", "Rust 1.85 or later"), ("c++", "g++")]:
        if not shutil.which(tool):
            sys.exit(f"fuzz: {tool} is missing: {package}")
    version = subprocess.run(["rustc", "-vV"], check=True, text=True, capture_output=True)
    host = re.search(r"^host: (.*)$", version.stdout, re.M)[1]
    # The compiler has sanitizers built in, but offers them only to those who ask so.
    environment = dict(os.environ, RUSTC_BOOTSTRAP="1",
                       RUSTC_WRAPPER=os.path.join(HERE, "rustc.sh"), CARGO_TARGET_DIR=OUT)
    command = ["cargo", "build", "--release", "--locked", "--target", host]
    subprocess.run(command, cwd=HERE, env=environment, check=True)
    return os.path.join(OUT, host, "release")


def fuzz(program, name, seconds, runs):
    """Runs a target; returns its figures."""
    grown = os.path.join(OUT, "corpus", name)
    kept = os.path.join(HERE, "corpus", name)
    findings = os.path.join(OUT, "findings", name)
    for folder in grown, kept, findings:
        os.makedirs(folder, exist_ok=True)
    before = set(os.listdir(findings))
    command = [program, grown, kept, f"-max_total_time={seconds}", f"-runs={runs}",
               f"-max_len={LONGEST.get(name, LONG)}", "-len_control=0", "-timeout=60",
               f"-rss_limit_mb={MEMORY}", "-print_final_stats=1", f"-artifact_prefix={findings}/"]
    start = time.monotonic()
    run = subprocess.run(command, env=dict(os.environ, ASAN_OPTIONS=SANITIZER),
                         text=True, errors="replace", capture_output=True,
                         timeout=seconds + 600 if seconds else None)
    figures = {"seconds": time.monotonic() - start}
    for key, pattern in [("runs", r"number_of_executed_units: (\d+)"), ("edges", r"cov: (\d+)")]:
        found = re.findall(pattern, run.stderr)
        figures[key] = int(found[-1]) if found else 0
    figures["findings"] = sorted(set(os.listdir(findings)) - before)
    # A fuzzer that did nothing has found nothing out.
    figures["good"] = run.returncode == 0 and figures["runs"] > 0 and figures["edges"] > 0
    if not figures["good"]:
        print(run.stderr[-6000:])
    return figures


def merge(program, name):
    """Replaces the kept corpus of a target."""
    kept = os.path.join(HERE, "corpus", name)
    fresh = kept + ".new"
    shutil.rmtree(fresh, ignore_errors=True)
    for folder in fresh, kept:
        os.makedirs(folder, exist_ok=True)
    command = [program, "-set_cover_merge=1", "-use_counters=0", f"-max_len={KEPT}", fresh,
               os.path.join(OUT, "corpus", name), kept]
    subprocess.run(command, check=True, capture_output=True)
    for entry in os.listdir(kept):
        # What once failed stays, whatever it covers.
        if entry.startswith("regression-"):
            shutil.copy(os.path.join(kept, entry), fresh)
    shutil.rmtree(kept)
    os.rename(fresh, kept)
    sizes = [os.path.getsize(os.path.join(kept, entry)) for entry in os.listdir(kept)]
    print(f"{name}: {len(sizes)} inputs, {sum(sizes)} bytes")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=60, help="for each target; 0 for no limit")
    parser.add_argument("--runs", type=int, default=-1, help="at most, for each target")
    parser.add_argument("--merge", action="store_true", help="renew the kept corpora, run nothing")
    parser.add_argument("target", nargs="*")
    options = parser.parse_args()
    names = options.target or targets()
    unknown = set(names) - set(targets())
    if unknown:
        sys.exit(f"fuzz: no such target: {' '.join(sorted(unknown))}")
    programs = build()
    if options.merge:
        for name in names:
            merge(os.path.join(programs, name), name)
        return 0
    failed = 0
    print(f"{'target':14} {'executions':>12} {'seconds':>8} {'edges':>6}")
    for name in names:
        found = fuzz(os.path.join(programs, name), name, options.seconds, options.runs)
        failed += not found["good"]
        print(f"{name:14} {found['runs']:12,} {found['seconds']:8.0f} {found['edges']:6}"
              f"  {' '.join(found['findings']) or ('ok' if found['good'] else 'FAILED')}", flush=True)
    print(f"{len(names) - failed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
