#!/usr/bin/env python3
"""Does a test fail for every change of the code that cargo-mutants knows to make?

A build for each of its two thousand mutants takes hours. Here they are all compiled into
one test program, each behind a switch, and MUTANT=<number> turns one on. To those of
cargo-mutants come weaker memory orders. A mutant that the quick tests of its folder do not
catch meets all unit tests, and in sync/ and pipe/ the models. What survives must stand in
docs/mutants.md with its reason.
"""

import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(1, str(HERE.parent))

import builds  # noqa: E402
import switches  # noqa: E402
from programs import Failure, run_script  # noqa: E402

VERSION = "27.1.0"
WORK = ROOT / "target/mutants"
LIST = ROOT / "docs/mutants.md"

# Folders, and the tests that meet a mutant first: those that take a second at most.
GROUPS = {
    "src/runtime/zap.rs": ["zap"],
    "src/sync": ["sync::"],
    "src/pipe": ["pipe::"],
    "src/zmtp/mechanism/curve": ["curve", "security", "--skip", "every_flipped_bit",
                                 "--skip", "beside_libsodium"],
    "src/zmtp": ["zmtp::", "--skip", "curve"],
    "src/message": ["message::", "pipe::"],
}
MODELLED = ("src/sync", "src/pipe")
# Seconds until a mutant counts as hanging, in each of the stages.
QUICK, WHOLE, MODELS = 10, 90, 240
# Bytes of addresses that it may take: some allocate without end.
ADDRESSES = 4 << 30

ORDERS = re.compile(r"(?<![a-z_])fence\(Ordering::\w+\)|Ordering::(?:Acquire|Release|AcqRel|SeqCst)")

FUNCTIONS = re.compile(r"\bfn (\w+)")


def tool():
    """The path of cargo-mutants, which is installed if it is missing."""
    found = shutil.which("cargo-mutants")
    own = ROOT / "target/tools/bin/cargo-mutants"
    if found or own.exists():
        return found or str(own)
    command = ["cargo", "install", "cargo-mutants", "--version", VERSION, "--locked",
               "--root", str(ROOT / "target/tools")]
    if subprocess.run(command).returncode:
        raise Failure(f"needs cargo-mutants {VERSION}, which could not be installed")
    return str(own)


def listed():
    """The mutants of cargo-mutants."""
    command = [tool(), "mutants", "--list", "--json", "--config", str(HERE / "mutants.toml")]
    for folder in GROUPS:
        command += ["-f", folder if folder.endswith(".rs") else f"{folder}/**"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise Failure(f"cargo-mutants lists nothing: {done.stderr.strip()}")
    return json.loads(done.stdout)


def weaker(path):
    """A mutant for each memory order of a file that could be weaker, and for each fence."""
    text = path.read_text()
    tests = re.search(r"#\[cfg\((all\()?test.*\n(?:\s*#\[.*\n)*\s*mod ", text)
    name = str(path.relative_to(ROOT))
    for match in ORDERS.finditer(text, 0, tests.start() if tests else len(text)):
        begin = text.rfind("\n", 0, match.start()) + 1
        before = text[:match.start()]
        if "//" in text[begin:match.start()] or before.endswith("fence("):
            continue
        line, column = before.count("\n") + 1, match.start() - begin + 1
        place = "".join(f" in {function}" for function in FUNCTIONS.findall(before)[-1:])
        end = {"line": line, "column": column + len(match[0])}
        for new in weaker_orders(match[0], before[-160:]):
            yield {"file": name, "genre": "Order", "replacement": new,
                   "name": f"{name}:{line}:{column}: replace {match[0]} with {new}{place}",
                   "span": {"start": {"line": line, "column": column}, "end": end}}


def weaker_orders(order, before):
    if order.startswith("fence"):
        return ["()"]
    if order == "Ordering::AcqRel":
        return ["Ordering::Acquire", "Ordering::Release"]
    calls = re.findall(r"\.(load|store|swap|fetch_\w+|compare_exchange\w*)\(", before)
    half = {"load": "Acquire", "store": "Release"}.get(calls[-1], "AcqRel") if calls else None
    whole = order == "Ordering::SeqCst" and half
    return ["Ordering::Relaxed"] + ([f"Ordering::{half}"] if whole else [])


def mutants():
    found = listed()
    for folder in MODELLED:
        for path in sorted((ROOT / folder).rglob("*.rs")):
            if not re.search(r"tests?\b|models?\.rs", str(path.relative_to(ROOT))):
                found += weaker(path)
    for number, mutant in enumerate(found, 1):
        mutant["number"] = number
    return found


def group(mutant):
    return next(folder for folder in sorted(GROUPS, key=len, reverse=True)
                if mutant["file"].startswith(folder))


def copy(tree):
    """The sources as they are in the working tree."""
    files = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT,
                           capture_output=True, text=True, check=True).stdout.split("\n")
    for name in filter(None, files):
        if (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name)


def build(name, all_mutants, flags, without):
    """Compiles a tree with all mutants. Returns the program and what has no switch."""
    tree = WORK / name
    copy(tree)
    operands = HERE / "operands"
    subprocess.run(["cargo", "build", "--quiet", "--target-dir", str(WORK / "operands"),
                    "--manifest-path", str(operands / "Cargo.toml")], check=True)
    program = str(WORK / "operands/debug/operands")
    env = os.environ | {"CARGO_TARGET_DIR": str(WORK / f"{name}-target"),
                        "CARGO_PROFILE_TEST_DEBUG": "0", "CARGO_PROFILE_TEST_OPT_LEVEL": "1",
                        "RUSTFLAGS": f"--cap-lints=warn {flags}".strip()}
    env.pop("CARGO_BUILD_RUSTFLAGS", None)
    command = ["cargo", "check", "--quiet", "--lib", "--profile", "test"]
    without = dict(without)
    for _ in range(20):
        members = [mutant for mutant in all_mutants if mutant["number"] not in without]
        for number in switches.write(ROOT, tree, members, program):
            without[number] = "no switch"
        bad, constant, lost = switches.errors(tree, command, env)
        for number in bad:
            without[number] = "constant" if number in constant else "unviable"
        if not bad:
            break
    if bad or lost:
        raise Failure(f"{name}: does not compile:\n" + "\n".join(lost))
    done = subprocess.run(["cargo", "test", "--lib", "--no-run", "--message-format=json"],
                          cwd=tree, env=env, capture_output=True, text=True)
    made = [json.loads(line).get("executable") for line in done.stdout.splitlines()]
    if done.returncode or not any(made):
        raise Failure(f"{name}: does not link:\n{done.stderr[-2000:]}")
    return next(filter(None, reversed(made))), without


def limit_memory():
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, ADDRESSES))


def meet(program, number, tests, limit):
    """How a mutant fares in some tests: caught, timeout or missed."""
    env = os.environ | {"MUTANT": str(number), "RUST_BACKTRACE": "0",
                        "PROPTEST_MAX_SHRINK_ITERS": "0"}
    process = subprocess.Popen([program, "--quiet", *tests], env=env, start_new_session=True,
                               preexec_fn=limit_memory, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    try:
        return "caught" if process.wait(limit) else "missed"
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return "timeout"


def stage(title, program, members, tests, limit, jobs):
    """Returns {number: outcome}."""
    def one(mutant):
        return mutant["number"], meet(program, mutant["number"], tests(mutant), limit)

    if title != "quick" and meet(program, 0, [], 600) != "missed":
        raise Failure(f"{title}: the tests fail without any mutant")
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        outcomes = {}
        for number, outcome in pool.map(one, members):
            outcomes[number] = outcome
            if len(outcomes) % 100 == 0:
                print(f"mutants: {title}: {len(outcomes)} of {len(members)}", flush=True)
    return outcomes


def key(mutant):
    """Its name in the list: without its place, which other changes move."""
    return re.sub(r":\d+:\d+:", ":", mutant["name"], count=1)


def reasons():
    """The survivors that docs/mutants.md explains, by name. A row names one mutant, as
    `file: change`, or several of one file, as `file`: `change`, `change`."""
    _, _, section = LIST.read_text().partition("\n## Survivors with a reason\n")
    section = section.partition("\n## ")[0].replace("\\|", "\0")
    found = set()
    for row in re.findall(r"^\| (`src/[^|\n]+`) \| *[^| ]", section, re.MULTILINE):
        file, *changes = re.findall(r"`([^`]+)`", row.replace("\0", "|"))
        found |= {f"{file}: {change}" for change in changes} or {file}
    return found


def parse(argv):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="*", help="only files whose path begins so")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2)
    parser.add_argument("--no-models", action="store_true", help="without the loom models")
    return parser.parse_args(argv)


def main(argv):
    args = parse(argv)
    chosen = [mutant for mutant in mutants()
              if not args.folders or mutant["file"].startswith(tuple(args.folders))]
    WORK.mkdir(parents=True, exist_ok=True)
    program, without = build("tree", chosen, "", {})
    without |= {mutant["number"]: "elsewhere" for mutant in chosen if builds.lacks(ROOT, mutant)}
    left = [mutant for mutant in chosen if mutant["number"] not in without]
    outcomes = stage("quick", program, left, lambda mutant: GROUPS[group(mutant)], QUICK,
                     args.jobs)
    left = [mutant for mutant in left if outcomes[mutant["number"]] == "missed"]
    outcomes |= stage("whole", program, left, lambda _: [], WHOLE, args.jobs)
    left = [mutant for mutant in left if outcomes[mutant["number"]] == "missed"]
    modelled = [mutant for mutant in left if mutant["file"].startswith(MODELLED)]
    if modelled and not args.no_models:
        program, unmodelled = build("models", modelled, "--cfg loom", {})
        modelled = [mutant for mutant in modelled if mutant["number"] not in unmodelled]
        outcomes |= stage("models", program, modelled, lambda _: ["models"], MODELS, args.jobs)
    return report(chosen, outcomes | without, tuple(args.folders or [""]))


def report(chosen, outcomes, folders):
    """Prints counts of each folder, survivors without a reason, and reasons without a mutant."""
    known = reasons()
    kinds = ("caught", "timeout", "missed", "unviable", "constant", "no switch",
             "elsewhere")
    counts = collections.Counter((group(mutant), outcomes[mutant["number"]]) for mutant in chosen)
    for folder in GROUPS:
        told = ", ".join(f"{counts[folder, kind]} {kind}" for kind in kinds)
        print(f"mutants: {folder}: {told}")
    missed = [mutant for mutant in chosen if outcomes[mutant["number"]] == "missed"]
    (WORK / "missed.txt").write_text("".join(mutant["name"] + "\n" for mutant in missed))
    new = [mutant["name"] for mutant in missed if key(mutant) not in known]
    for name in new:
        print(f"mutants: survives, and docs/mutants.md has no reason: {name}")
    places = collections.defaultdict(set)
    for mutant in chosen:
        places[key(mutant)].add(outcomes[mutant["number"]])
    gone = sorted(name for name in known - set(places) if name.startswith(folders))
    for name in gone:
        print(f"mutants: docs/mutants.md has a reason, and there is no such mutant: {name}")
    for name in sorted(name for name in known if places.get(name) == {"caught"}):
        print(f"mutants: is caught now and needs no reason: {name}")
    failed = len(new) + len(gone)
    print(f"{len(chosen) - len(new)} passed, {failed} failed")
    return 1 if failed or not chosen else 0


if __name__ == "__main__":
    run_script("mutants", main)
