"""Compiling the measuring programs, and running one of them on one library."""

import math
import os
import pathlib
import signal
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
NEED = "needs the reference library with its header (Debian: libzmq3-dev) and a C compiler"
TIMEOUT = 60  # the programs end themselves before


class Failure(Exception):
    """A reason to fail that is worth one line, not a traceback."""


class Library:
    """A libzmq.so.5 to run on; without a path the one that the system finds."""

    def __init__(self, name, path=None):
        self.name, self.file, self.version = name, None, None
        self.dir = None
        if path:
            where = pathlib.Path(path).resolve()
            self.dir = where.parent if where.is_file() else where
            if not (self.dir / "libzmq.so.5").exists():
                raise Failure(f"{name}: no libzmq.so.5 in {self.dir}")

    def environment(self):
        env = {k: v for k, v in os.environ.items()
               if k not in ("LD_LIBRARY_PATH", "LD_PRELOAD")}
        if self.dir:
            env["LD_LIBRARY_PATH"] = str(self.dir)
        return env

    def identify(self, directory):
        """Asks a program which file its functions come from."""
        done = subprocess.run([str(directory / "many"), "which", "1", "0"],
                              env=self.environment(), capture_output=True, text=True, timeout=30)
        words = [line.split(" ") for line in done.stdout.splitlines()]
        if done.returncode or len(words) != 1 or words[0][0] != "library":
            raise Failure(f"{self.name} cannot be loaded: {done.stderr.strip()}")
        self.file = pathlib.Path(words[0][1]).resolve()
        self.version = words[0][2]
        if self.dir and self.file.parent != self.dir:
            raise Failure(f"{self.name}: {self.file} was loaded, not what is in {self.dir}")

    def check(self, lines):
        """The measurement has to have run on this very file."""
        seen = {str(pathlib.Path(line.split(" ")[1]).resolve())
                for line in lines if line.startswith("library ")}
        if seen != {str(self.file)}:
            raise Failure(f"ran on {sorted(seen)}, not on {self.file}")


def build(directory, include):
    """Compiles all programs; limits.c is without any library."""
    directory.mkdir(parents=True, exist_ok=True)
    for source in sorted(HERE.glob("*.c")):
        libraries = ["-lpthread"] if source.stem == "limits" else ["-lzmq", "-ldl", "-lpthread"]
        command = [os.environ.get("CC", "cc"), "-std=c11", "-D_GNU_SOURCE", "-O2", "-Wall",
                   "-Wextra", "-I", include, "-o", str(directory / source.stem), str(source),
                   *libraries]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        except FileNotFoundError:
            raise Failure(f"no C compiler: {NEED}") from None
        if done.returncode:
            raise Failure(f"{source.name} does not compile; {NEED}\n{done.stderr}")


def identify_all(libraries, directory):
    """Finds out which files they are; comparing one with itself is a mistake."""
    for library in libraries:
        library.identify(directory)
    files = {}
    for library in libraries:
        if library.file in files:
            raise Failure(f"{library.name} and {files[library.file]} are both {library.file}")
        files[library.file] = library.name


def execute(command, library, cpus):
    """Runs a program to its end; returns its lines. Nothing it started stays."""
    def pin():
        if cpus:
            os.sched_setaffinity(0, cpus)

    process = subprocess.Popen(command, env=library.environment() if library else None,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               start_new_session=True, preexec_fn=pin)
    try:
        out, err = process.communicate(timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        raise Failure(f"not done after {TIMEOUT} s") from None
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
    if process.returncode:
        why = f"signal {-process.returncode}" if process.returncode < 0 else \
            f"exit {process.returncode}"
        if process.returncode == -signal.SIGALRM:
            why = "it hangs"
        raise Failure(f"{why} {err.strip()[-200:]}".strip())
    return out.splitlines()


def measure(directory, workload, library, seconds, cpus):
    """Runs one measurement; returns {metric name: figure}. `library` None: bare."""
    seconds = workload.seconds or seconds
    command = [str(directory / workload.program),
               *(word.format(seconds) for word in workload.arguments)]
    lines = execute(command, library, cpus)
    if library:
        library.check(lines)
    results = [line.split() for line in lines if line.startswith("result ")]
    if len(results) != 1:
        raise Failure("no figure")
    figure, taken, count = (float(word) for word in results[0][1:4])
    found = {"": figure, **{name: float(value) for name, value in
                            (word.split("=") for word in results[0][4:])}}
    found[workload.metrics[0].name] = figure
    for metric in workload.metrics:
        value = found.get(metric.name, math.nan)
        if not metric.low <= value <= metric.high:  # also wrong for nan
            raise Failure(f"implausible: {value:g} {metric.unit} {metric.name}".rstrip())
    check_sums(workload, figure, taken, count, seconds)
    return found


def check_sums(workload, figure, taken, count, seconds):
    """What a program says it did, in the time it says, has to give its figure."""
    if count < 1 or not taken > 0 or not math.isfinite(taken):
        raise Failure(f"implausible: {count:g} in {taken:g} s")
    if workload.timed and not seconds / 2 <= taken <= 10 * seconds + 5:
        raise Failure(f"implausible: took {taken:g} s for {seconds:g} s of measuring")
    derived = {"rate": count / taken, "time": taken / count * 1e6}.get(workload.derived)
    if derived is not None and not 0.98 <= derived / figure <= 1.02:
        raise Failure(f"implausible: {count:g} in {taken:g} s do not make {figure:g}")
