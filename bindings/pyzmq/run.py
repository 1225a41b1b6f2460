#!/usr/bin/env python3
"""pyzmq's own tests on the reference library and on this one, compared.

Two builds and two libraries each: pyzmq from its source distribution against
Debian's libzmq and against our installed tree; then the wheel as pip delivers
it with the libzmq it bundles and with ours preloaded. A test that passes on the
reference must pass on ours. Everything is fetched by name through pip into
build/pyzmq. The arguments name test files to run (all without any).
"""

import collections
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
WORK = ROOT / "build" / "pyzmq"
STAGE = ROOT / "stage"
OURS = STAGE / "lib" / "libzmq.so.5"
# mypy is left out: its tests look at annotations only, for minutes.
TOOLS = ["pytest", "pytest-asyncio", "pytest-timeout", "pytest-rerunfailures", "tornado",
         "cython", "setuptools", "gevent", "cffi"]
# Above the 60 s after which many of the tests give up by themselves.
TEST_SECONDS = 90
FILE_SECONDS = 600
RESTARTS = 5
# Steerable proxies are gone from libzmq 4.3.5 and on, but not from this library.
CLAIMS = {("ours", "test_proxy_steerable"): "4.3.4"}
# Files with a test that races against itself, on any library, get three more
# tries on each: test_blank_root_topic publishes right after it has subscribed
# over TCP, waits for ever if it loses, and spoils the tests after it.
RACY = {"test_log"}

Build = collections.namedtuple("Build", "name packages preload")


class Missing(Exception):
    """Something the comparison needs is not there, or went wrong."""


def say(text):
    print(text, flush=True)


def environment(**more):
    env = {k: v for k, v in os.environ.items()
           if k not in ("LD_LIBRARY_PATH", "LD_PRELOAD", "PYTHONPATH", "ZMQ_PREFIX")}
    return dict(env, **{k: str(v) for k, v in more.items()})


def call(command, env=None, **options):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=900,
                          env=env or environment(), **options)


def need(what, command, env=None):
    done = call(command, env)
    if done.returncode:
        raise Missing(f"{what}; `{' '.join(map(str, command))}` said:\n"
                      f"{(done.stdout + done.stderr).strip()[-1500:]}")
    return done.stdout


def prepare_tools():
    """The virtual environment with what the tests import; returns its python."""
    python = WORK / "venv" / "bin" / "python"
    if not python.exists():
        need("Python's venv module (Debian: python3-venv)",
             [sys.executable, "-m", "venv", WORK / "venv"])
    need("pip's way to a package index", [python, "-m", "pip", "install", "--quiet", *TOOLS])
    if not shutil.which("cc"):
        raise Missing("a C compiler (Debian: gcc)")
    header = need("Python's paths", [python, "-c", "import sysconfig; "
                                     "print(sysconfig.get_path('include'))"]).strip()
    if not (pathlib.Path(header) / "Python.h").exists():
        raise Missing(f"{header}/Python.h (Debian: python3-dev)")
    return python


def prepare_suite(python):
    """pyzmq's source distribution; returns its version and a copy of the tests
    that stands where no `zmq` of the sources can be imported."""
    (WORK / "sdist").mkdir(parents=True, exist_ok=True)
    if not list((WORK / "sdist").glob("pyzmq-*.tar.gz")):
        need("pyzmq's source distribution", [python, "-m", "pip", "download", "--quiet", "--no-deps",
             "--no-binary", "pyzmq", "--dest", WORK / "sdist", "pyzmq"])
    archive = max((WORK / "sdist").glob("pyzmq-*.tar.gz"))
    version = archive.name[len("pyzmq-"):-len(".tar.gz")]
    suite = WORK / f"suite-{version}"
    if not suite.exists():
        with tarfile.open(archive) as tar:
            safely = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
            tar.extractall(WORK / "unpacked", **safely)
        source, half = WORK / "unpacked" / f"pyzmq-{version}", WORK / "suite.half"
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir()
        shutil.copytree(source / "tests", half / "tests")
        shutil.copy(source / "pytest.ini", half)
        shutil.rmtree(WORK / "unpacked")
        half.rename(suite)
    return archive, version, suite


def install(python, name, what, stamp, **env):
    """One build of pyzmq in a directory of its own, made anew when `stamp` changes."""
    packages = WORK / name
    mark = packages / "stamp"
    if not (mark.exists() and mark.read_text() == stamp):
        shutil.rmtree(packages, ignore_errors=True)
        need(f"pyzmq for {name}", [python, "-m", "pip", "install", "--quiet", "--no-deps",
             "--no-cache-dir", "--target", packages, *what], environment(**env))
        mark.write_text(stamp)
    return packages


def prepare_builds(python):
    archive, version, suite = prepare_suite(python)
    headers = "".join((STAGE / "include" / n).read_text() for n in ("zmq.h", "zmq_utils.h"))
    reference = install(python, "on-reference", [archive], version, PYZMQ_NO_BUNDLE=1)
    ours = install(python, "on-ours", [archive], version + headers, ZMQ_PREFIX=STAGE)
    wheel = install(python, "wheel", ["--only-binary", "pyzmq", f"pyzmq=={version}"], version)
    say(f"pyzmq {version}")
    return suite, [(Build("reference", reference, None), Build("ours", ours, None)),
                   (Build("wheel", wheel, None), Build("wheel+ours", wheel, OURS))]


def build_environment(build, **more):
    env = environment(PYTHONPATH=build.packages, PYTHONDONTWRITEBYTECODE=1, **more)
    if build.preload:
        env["LD_PRELOAD"] = str(build.preload)
    return env


def check_bindings(python, build, ours):
    """Asks the dynamic linker where the zmq functions of the extension really lead."""
    done = call([python, "-c", "import zmq; print(zmq.zmq_version())"],
                build_environment(build, LD_DEBUG="bindings", LD_BIND_NOW="1"), cwd=WORK)
    found = re.findall(r"binding file \S*/_zmq\S* \[0\] to (\S+) \[0\]: normal symbol `(zmq_\w+)'",
                       done.stderr)
    files = {file for file, _ in found}
    if done.returncode or not files:
        raise Missing(f"a pyzmq that runs ({build.name}): {done.stdout[-500:]}")
    if {os.path.samefile(file, OURS) for file in files} != {ours}:
        raise Missing(f"{build.name} runs on {', '.join(sorted(files))}")
    say(f"  {build.name}: {len(found)} functions of libzmq {done.stdout.strip()} from "
        + ", ".join(sorted(files)).replace(f"{ROOT}/", ""))


def read_record(path):
    results = {}
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            results[entry["test"]] = (entry["outcome"], entry.get("why", ""))
    return results


def run_file(python, suite, build, name):
    """The tests of one file. A test that ends the process fails, and the rest
    is run again without it."""
    record = WORK / "records" / f"{build.name}-{name}.jsonl"
    record.parent.mkdir(exist_ok=True)
    record.unlink(missing_ok=True)
    log = record.with_suffix(".log")
    env = build_environment(build, PYZMQ_RECORD=record)
    env["PYTHONPATH"] += f":{HERE}"
    if (build.name, name) in CLAIMS:
        env["PYZMQ_CLAIM"] = CLAIMS[build.name, name]
    with open(log, "wb") as out:
        for _ in range(RESTARTS):
            done = read_record(record)
            command = [python, "-m", "pytest", "-p", "record", "-p", "no:cacheprovider", "-q",
                       "--timeout", str(TEST_SECONDS), "--timeout-method", "thread",
                       *[f"--deselect={t}" for t in done], f"tests/{name}.py"]
            try:
                status = subprocess.run(command, cwd=suite, env=env, stdout=out,
                                        stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                        timeout=FILE_SECONDS).returncode
            except subprocess.TimeoutExpired:
                status = "no end"
            results = read_record(record)
            begun = [t for t, (outcome, _) in results.items() if outcome == "begun"]
            if not begun:
                break
            with open(record, "a", encoding="utf-8") as more:
                for test in begun:
                    more.write(json.dumps({"test": test, "outcome": "failed",
                        "why": f"ended the process (status {status}), see {log}"}) + "\n")
    results = read_record(record)
    # 5: every test was deselected or none is there.
    if status not in (0, 1, 5) and not begun:
        results[f"tests/{name}.py (process)"] = ("failed", f"status {status}, see {log}")
    return results


def try_file(python, suite, build, name):
    for left in reversed(range(4 if name in RACY else 1)):
        results = run_file(python, suite, build, name)
        lost = [t for t, (outcome, _) in results.items() if outcome == "failed"]
        if not lost or not left:
            return results
        say(f"  {build.name}: {name} once more, it failed in {', '.join(lost)}")


def run_suite(python, suite, build, names):
    start, results = time.monotonic(), {}
    with concurrent.futures.ThreadPoolExecutor(int(os.environ.get("PYZMQ_JOBS", "2"))) as pool:
        for part in pool.map(lambda name: try_file(python, suite, build, name), names):
            results.update(part)
    count = collections.Counter(outcome for outcome, _ in results.values())
    say(f"  {build.name}: " + ", ".join(f"{n} {outcome}" for outcome, n in sorted(count.items()))
        + f" in {time.monotonic() - start:.0f} s")
    return results


def compare(reference, ours, there, here):
    """Prints each test that ends otherwise; returns how many passed and failed."""
    passed = failed = 0
    for test in sorted(there):
        was, now = there[test][0], here.get(test, ("not run", ""))
        if was == "passed":
            passed += now[0] == "passed"
            failed += now[0] != "passed"
        if was != now[0]:
            say(f"  {test}: {was} on {reference.name}, {now[0]} on {ours.name}")
            if was == "passed":
                say("\n".join(f"      {line}" for line in now[1].splitlines()[-12:]))
    for test in sorted(set(here) - set(there)):
        if here[test][0] == "failed":
            failed += 1
            say(f"  {test}: failed on {ours.name} only\n      {here[test][1][-300:]}")
    return passed, failed


def main():
    if not OURS.exists():
        raise Missing(f"{OURS}, which `make` builds")
    WORK.mkdir(parents=True, exist_ok=True)
    python = prepare_tools()
    suite, pairs = prepare_builds(python)
    names = [n.removesuffix(".py") for n in sys.argv[1:]] or sorted(
        p.stem for p in (suite / "tests").glob("test_*.py"))
    passed = failed = 0
    for reference, ours in pairs:
        check_bindings(python, reference, False)
        check_bindings(python, ours, True)
        there = run_suite(python, suite, reference, names)
        here = run_suite(python, suite, ours, names)
        sums = compare(reference, ours, there, here)
        if sum(sums) == 0:
            raise Missing(f"tests that pass on {reference.name}")
        passed, failed = passed + sums[0], failed + sums[1]
    say(f"{passed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Missing as missing:
        say(f"test-pyzmq: missing or wrong: {missing}")
        say("0 passed, 1 failed")
        sys.exit(1)
