#!/usr/bin/env python3
"""Looks for branches and addresses that depend on secrets, with valgrind.

Needs valgrind with its headers, so it is no part of `make test`. What depends
on a secret by its nature is expected: whether a tag is right, whether two keys
leave a secret at all, and what was in a message after its tag was right. The
ciphers and the curve must not show up at all.
"""

import pathlib
import subprocess
import sys

import run as driver

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
SILENT = ("salsa20.rs", "poly1305.rs", "curve25519_dalek", "montgomery.rs", "field.rs", "scalar.rs")
# Without these the marks got lost on the way.
EXPECTED = ("curve::keys::shared_key", "curve::secretbox::open", "CurveTraffic::decode")


def main(argv):
    lib = driver.library_dir(argv[0] if argv else str(ROOT / "stage" / "lib"))
    build = ROOT / "build" / "interop"
    build.mkdir(parents=True, exist_ok=True)
    program = build / "secrets"
    subprocess.run(["cc", "-std=c99", "-D_GNU_SOURCE", "-g", "-O1", "-Wall", "-Wextra", "-o",
                    str(program), str(HERE / "secrets.c"), "-lzmq"], check=True, timeout=120)
    done = subprocess.run(["valgrind", "--error-limit=no", "--num-callers=12", str(program)],
                          env=driver.environment(lib), capture_output=True, text=True, timeout=300)
    reports, current = [], None
    for line in done.stderr.splitlines():
        text = line.split("== ", 1)[-1]
        if "depends on uninitialised" in text or "Use of uninitialised" in text:
            current = []
            reports.append(current)
        elif current is not None and text.lstrip().startswith(("at 0x", "by 0x")):
            current.append(text.strip())
        else:
            current = None
    bad = [report for report in reports if any(name in line for line in report for name in SILENT)]
    lost = [name for name in EXPECTED
            if not any(name in line for report in reports for line in report)]
    for report in bad:
        print("depends on a secret:", *report, sep="\n  ")
    for name in lost:
        print(f"nothing reported in {name}: the secrets were not followed")
    if done.returncode:
        print(f"exit {done.returncode}: {done.stderr[-300:]}")
    failed = len(bad) + len(lost) + (done.returncode != 0)
    print(f"secrets: {len(reports)} places depend on them, {len(bad)} of them in the ciphers")
    print(f"{len(EXPECTED) - len(lost)} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
