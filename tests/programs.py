"""What the scripts that build C programs and run them on a libzmq have in common.

Their own folders are elsewhere in the tree; they put this one on `sys.path`.
"""

import os
import pathlib
import subprocess
import sys

WARNINGS = ("-Wall", "-Wextra")
COMPILER = "needs a C compiler"
REFERENCE = "needs the reference library with its header (Debian: libzmq3-dev) and a C compiler"


class Failure(Exception):
    """A reason to fail that is worth one line, not a traceback."""


def library_dir(text, what=""):
    """The directory of a libzmq.so.5, given the directory or the file."""
    path = pathlib.Path(text).resolve()
    path = path.parent if path.is_file() else path
    if not (path / "libzmq.so.5").exists():
        raise Failure(f"no libzmq.so.5 in {path}" + (f" ({what})" if what else ""))
    return path


def environment(lib_dir=None, **more):
    """That of a program which is to run on the library there, or on the system's."""
    env = {k: v for k, v in os.environ.items() if k not in ("LD_LIBRARY_PATH", "LD_PRELOAD")}
    if lib_dir:
        env["LD_LIBRARY_PATH"] = str(lib_dir)
    return env | more


def compile_program(program, sources, options, *, headers=None, need=REFERENCE):
    """Compiles a program; with `headers`, unless it is newer than those and its sources."""
    program.parent.mkdir(parents=True, exist_ok=True)
    if headers is not None and program.exists():
        newest = max(path.stat().st_mtime for path in [*sources, *headers])
        if program.stat().st_mtime > newest:
            return program
    plus = any(source.suffix == ".cpp" for source in sources)
    compiler = os.environ.get("CXX", "c++") if plus else os.environ.get("CC", "cc")
    command = [compiler, "-D_GNU_SOURCE", *WARNINGS, "-o", str(program), *map(str, sources),
               *options]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    except FileNotFoundError:
        raise Failure(f"no {compiler}: {need}") from None
    if done.returncode:
        raise Failure(f"{program.name} does not compile; {need}\n{done.stderr}")
    if done.stderr:
        raise Failure(f"{program.name} compiles with warnings\n{done.stderr}")
    return program


def run_script(name, main):
    """Ends the process with what `main` returns. A failure is one line, and counts as one."""
    try:
        sys.exit(main(sys.argv[1:]))
    except Failure as failure:
        print(f"{name}: {failure}", file=sys.stderr)
        print("0 passed, 1 failed")
        sys.exit(1)
