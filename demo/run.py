#!/usr/bin/env python3
"""Shows programs made for libzmq running on this library, unchanged.

C programs compiled against a plain zmq.h, Python on pyzmq exactly as pip
delivers it, and a C++ program through cppzmq. Each program tells which file
its zmq functions come from; the demonstration fails if that is another
library, or if anything needed is missing.
"""

import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
BUILD = ROOT / "build" / "demo"
VENV = ROOT / "build" / "demo-venv"
LIB = pathlib.Path(os.environ.get("DEMO_LIB", ROOT / "stage" / "lib")).resolve()
INCLUDE = pathlib.Path(os.environ.get("DEMO_INCLUDE", ROOT / "include")).resolve()
PORT = int(os.environ.get("DEMO_PORT", "8080"))


class Missing(Exception):
    """Something the demonstration needs is not there, or went wrong."""


def say(text):
    print(text, flush=True)


def call(command, **options):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True,
                          timeout=300, **options)


class Cast:
    """The programs of one scene, run at the same time, and what they told."""

    def __init__(self):
        self.seen = []  # (program, version, file)

    def start(self, command, preload=False):
        env = {k: v for k, v in os.environ.items()
               if k not in ("LD_LIBRARY_PATH", "LD_PRELOAD")}
        if preload:
            env["LD_PRELOAD"] = str(LIB / "libzmq.so.5")
        else:
            env["LD_LIBRARY_PATH"] = str(LIB)
        return subprocess.Popen([str(c) for c in command], env=env, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def finish(self, *processes):
        """Waits for the programs, prints what they say, notes what they ran on."""
        until, broken = time.monotonic() + 60, []
        try:
            for process in processes:
                try:
                    text = process.communicate(timeout=max(1, until - time.monotonic()))[0]
                except subprocess.TimeoutExpired:
                    process.kill()
                    text = process.communicate()[0] + "not done after 60 s\n"
                say("".join(f"    {line}\n" for line in text.splitlines()).rstrip())
                told = re.findall(r"^(.*): libzmq (\S+) from (.*?)(?: \(.*\))?$", text, re.M)
                self.seen += told
                if process.returncode or not told:
                    broken.append(f"{process.args[0]} {' '.join(process.args[1:])}: "
                                  f"exit {process.returncode}")
        finally:
            for process in processes:
                if process.poll() is None:
                    process.kill()
                    process.wait()
        if broken:
            raise Missing("; ".join(broken))


def compile_programs():
    compiler = os.environ.get("CC", "cc")
    if not shutil.which(compiler):
        raise Missing("a C compiler (cc, or the one named by CC)")
    for needed in (LIB / "libzmq.so.5", INCLUDE / "zmq.h"):
        if not needed.exists():
            raise Missing(f"{needed}, which `make` builds")
    BUILD.mkdir(parents=True, exist_ok=True)
    for name in ("server", "client", "subscriber"):
        done = call([compiler, "-std=c99", "-D_GNU_SOURCE", "-Wall", "-I", INCLUDE, "-o",
                     BUILD / name, HERE / f"{name}.c", LIB / "libzmq.so.5", "-ldl"])
        if done.returncode:
            raise Missing(f"{name}.c does not compile:\n{done.stderr}")


def prepare_python():
    """A virtual environment with pyzmq as pip delivers it; returns its python."""
    python = VENV / "bin" / "python"
    if python.exists() and call([python, "-c", "import zmq"]).returncode == 0:
        return python
    done = call([sys.executable, "-m", "venv", "--clear", VENV])
    if done.returncode:
        raise Missing(f"Python's venv module (Debian: python3-venv):\n{done.stderr}")
    done = call([python, "-m", "pip", "install", "--quiet", "pyzmq"])
    if done.returncode:
        raise Missing(f"pyzmq, as `pip install pyzmq` failed:\n{done.stderr.strip()[-600:]}")
    return python


def check_bindings(python):
    """Asks the dynamic linker where each zmq function of pyzmq really leads."""
    env = dict(os.environ, LD_PRELOAD=str(LIB / "libzmq.so.5"), LD_DEBUG="bindings",
               LD_BIND_NOW="1")
    done = call([python, HERE / "hello.py", "which"], env=env)
    found = re.findall(r"binding file \S*_zmq\S* \[0\] to (\S+) \[0\]: normal symbol `(zmq_\w+)'",
                       done.stderr)
    say(f"    {done.stdout.strip()}")
    if done.returncode or not found:
        raise Missing("a dynamic linker that tells its bindings (LD_DEBUG of glibc)")
    wrong = {name for file, name in found if not is_ours(file)}
    if wrong:
        raise Missing(f"these functions of pyzmq lead elsewhere: {' '.join(sorted(wrong))}")
    say(f"    all {len({name for _, name in found})} zmq functions that pyzmq's extension uses "
        f"are bound to {LIB / 'libzmq.so.5'}")


def is_ours(file):
    try:
        return os.path.samefile(file, LIB / "libzmq.so.5")
    except OSError:
        return False


def check_port():
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", PORT))
        except OSError as error:
            raise Missing(f"the free port {PORT} ({error}; DEMO_PORT names another)") from None


def hello_in_c(cast):
    say("\n== C: hello world, server and client compiled against a plain zmq.h")
    there = f"ipc://{BUILD}/hello.sock"
    cast.finish(cast.start([BUILD / "server", "bind", there, "3"]),
                cast.start([BUILD / "client", "connect", there, "3"]))


def hello_in_python(cast, python):
    here, there = f"tcp://*:{PORT}", f"tcp://127.0.0.1:{PORT}"
    script = HERE / "hello.py"
    say("\n== Python: pyzmq as pip delivers it; which library does it really use?")
    check_bindings(python)
    say(f"\n== Python REQ binds {here}, C REP connects")
    check_port()
    cast.finish(cast.start([python, script, "req", "bind", here, "3"], preload=True),
                cast.start([BUILD / "server", "connect", there, "3"]))
    say(f"\n== C REQ binds {here}, Python REP connects")
    cast.finish(cast.start([BUILD / "client", "bind", here, "3"]),
                cast.start([python, script, "rep", "connect", there, "3"], preload=True))
    say(f"\n== Python REQ binds {here}, Python REP connects")
    cast.finish(cast.start([python, script, "req", "bind", here, "3"], preload=True),
                cast.start([python, script, "rep", "connect", there, "3"], preload=True))
    say("\n== Python publishes to a subscriber in Python and one in C")
    cast.finish(cast.start([python, script, "pub", here, "2"], preload=True),
                cast.start([python, script, "sub", there], preload=True),
                cast.start([BUILD / "subscriber", there, "sport"]))


def find_cppzmq():
    """The directory of zmq.hpp: the system's, or one unpacked from Debian's package."""
    for place in (os.environ.get("CPPZMQ_INCLUDE"), "/usr/include", "/usr/local/include",
                  BUILD / "cppzmq" / "usr" / "include"):
        if place and (pathlib.Path(place) / "zmq.hpp").exists():
            return pathlib.Path(place)
    if shutil.which("apt-get") and shutil.which("dpkg-deb"):
        into = BUILD / "cppzmq"
        into.mkdir(parents=True, exist_ok=True)
        call(["apt-get", "download", "cppzmq-dev"], cwd=into)
        for package in into.glob("cppzmq-dev_*.deb"):
            call(["dpkg-deb", "-x", package, into])
            if (into / "usr" / "include" / "zmq.hpp").exists():
                return into / "usr" / "include"
    return None


def hello_in_cpp(cast):
    say("\n== C++: through cppzmq's header")
    compiler, place = os.environ.get("CXX", "c++"), find_cppzmq()
    if not shutil.which(compiler) or place is None:
        lack = "zmq.hpp" if shutil.which(compiler) else "a C++ compiler"
        say(f"    NOT RUN: {lack} is missing. Debian: apt-get install g++ cppzmq-dev; else take "
            "zmq.hpp from https://github.com/zeromq/cppzmq and name its directory in "
            "CPPZMQ_INCLUDE.")
        return False
    alone = BUILD / "cppzmq-only"
    alone.mkdir(exist_ok=True)
    # Only the C++ header is taken from there: zmq.h is to be our own.
    shutil.copy(place / "zmq.hpp", alone / "zmq.hpp")
    done = call([compiler, "-std=c++11", "-D_GNU_SOURCE", "-I", INCLUDE, "-I", alone, "-o",
                 BUILD / "hello-cpp", HERE / "hello.cpp", LIB / "libzmq.so.5", "-ldl",
                 "-lpthread"])
    if done.returncode:
        raise Missing(f"hello.cpp does not compile:\n{done.stderr}")
    cast.finish(cast.start([BUILD / "hello-cpp"]))
    return True


def main():
    cast = Cast()
    compile_programs()
    hello_in_c(cast)
    hello_in_python(cast, prepare_python())
    with_cpp = hello_in_cpp(cast)
    say("\n== What ran on which library")
    for program, version, file in cast.seen:
        say(f"    {program:13} saw {version}  {'ok' if is_ours(file) else 'WRONG'}  {file}")
    wrong = [program for program, _, file in cast.seen if not is_ours(file)]
    if wrong:
        raise Missing(f"these ran on another library: {', '.join(wrong)}")
    say(f"\ndemo: {len(cast.seen)} programs ran on {(LIB / 'libzmq.so.5')}"
        + ("" if with_cpp else "; the C++ program was NOT RUN (see above)"))


if __name__ == "__main__":
    try:
        main()
    except Missing as missing:
        say(f"\ndemo: FAILED; missing or wrong: {missing}")
        sys.exit(1)
