#!/usr/bin/env python3
"""The soak test: all patterns on all transports, for as long as is asked for.

Processes are killed and come back, cables between network namespaces are cut,
readers are slow, sockets go from thread to thread. In the end every message is
accounted for: it came once and in order, or a publisher may have dropped it, or
it was in a process that was killed or on a connection that was lost ("in
doubt"). Needs root. SOAK_SECONDS is how long (1800), SOAK_RATE how many
messages a sender sends a second at most.
"""

import argparse
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[1:1] = [str(HERE.parent), str(HERE.parent / "netns")]

import hosts  # noqa: E402
import judge  # noqa: E402
import lanes  # noqa: E402
import report  # noqa: E402
from programs import (COMPILER, Failure, compile_program, environment,  # noqa: E402
                      library_dir, run_script)

# Waits are counted in looks like this, not measured: a standstill of the whole
# machine is one of them.
LOOK = 0.1
# Looks until the end is said not to come.
ENDLESS = 1800
# Seconds of play without any message until a part is said to be stuck.
STUCK = 120
PAGE = os.sysconf("SC_PAGE_SIZE")
TICKS = os.sysconf("SC_CLK_TCK")


class Cable(hosts.Net):
    """Two namespaces, and cuts at random times."""

    def __init__(self, pauses, cuts, rest):
        super().__init__()
        self.pauses, self.cuts, self.rest = pauses, cuts, rest
        self.count, self.is_cut, self.next = 0, False, rest.uniform(*pauses)

    def look(self, at, may_cut):
        if self.is_cut and (at >= self.next or not may_cut):
            self.heal()
            self.is_cut, self.next = False, at + self.rest.uniform(*self.pauses)
        elif may_cut and not self.is_cut and at >= self.next:
            self.cut()
            self.count += 1
            self.is_cut, self.next = True, at + self.rest.uniform(*self.cuts)


class Process:
    """A player that lives, and its successors."""

    def __init__(self, player, stage):
        self.player, self.stage = player, stage
        self.log = stage.folder / (player.name.replace(" ", "-") + ".log")
        self.kills, self.cpu, self.back_at = 0, 0.0, None
        self.rss, self.fds = [], []
        self.start()

    def start(self):
        name = self.stage.namespace(self.player.side)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                ["ip", "netns", "exec", name, str(self.stage.program), *self.player.parts],
                env=self.stage.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.back_at, self.spent = None, 0.0

    def kill(self, back_at):
        self.kills += 1
        self.measure()
        self.process.kill()
        self.process.wait()
        self.cpu += self.spent
        self.spent, self.back_at = 0.0, back_at

    def is_up(self):
        return self.back_at is None and self.process.poll() is None

    def measure(self):
        """(RSS in MiB, descriptors), and the time of the processor by the way."""
        try:
            folder = f"/proc/{self.process.pid}"
            with open(f"{folder}/stat") as file:
                words = file.read().rpartition(")")[2].split()
            self.spent = (int(words[11]) + int(words[12])) / TICKS
            return int(words[21]) * PAGE / 2**20, len(os.listdir(f"{folder}/fd"))
        except (OSError, IndexError):
            return None

    def sample(self):
        seen = self.measure() if self.is_up() else None
        if seen:
            self.rss.append(seen[0])
            self.fds.append(seen[1])


class Stage:
    """Everything that runs."""

    def __init__(self, args, folder, cables):
        self.args, self.folder, self.cables = args, pathlib.Path(folder), cables
        self.program = compile_program(
            pathlib.Path(args.build) / "soak", sorted(HERE.glob("*.c")),
            ["-std=gnu11", "-g", "-O2", "-Werror", "-I", str(ROOT / "include"),
             "-L", str(args.lib), "-lzmq", "-lpthread", "-ldl"],
            headers=[HERE / "soak.h", HERE.parent / "robust" / "robust.h"], need=COMPILER)
        self.rest = random.Random(args.seed)
        self.trouble = []
        self.env = environment(args.lib, ROBUST_LIBRARY=str(args.lib))
        keys = subprocess.run([self.program, "keys"], env=self.env, capture_output=True, text=True,
                              timeout=20, check=True)
        self.env["SOAK_CURVE"] = keys.stdout.strip()
        self.lanes = [lane for lane in lanes.plan(self.folder, args.rate)
                      if not args.names or any(name in lane.name for name in args.names)]
        if not self.lanes:
            raise Failure("no such lane")
        self.processes = {lane.name: [Process(player, self) for player in lane.players]
                          for lane in self.lanes}
        self.ledgers = {lane.name: {use: [judge.Ledger(path) for path in paths]
                                    for use, paths in lane.ledgers.items()} for lane in self.lanes}
        self.next_kill = {lane.name: self.rest.uniform(*self.pause()) for lane in self.lanes}
        self.before, self.since, self.samples = {}, {}, []

    def namespace(self, side):
        cable, _, end = side.partition("-")
        return self.cables[cable].names[end]

    def all(self):
        return [process for group in self.processes.values() for process in group]

    def pause(self):
        """Between two kills in a lane, in seconds."""
        return (1, 5) if self.args.seconds < 120 else (5, 30)

    # ---- troubles ----

    def kill_and_revive(self, at, may_kill):
        for name, group in self.processes.items():
            for process in group:
                if process.back_at is not None and (at >= process.back_at or not may_kill):
                    process.start()
            mortal = [process for process in group if process.player.is_killed and process.is_up()]
            if may_kill and mortal and at >= self.next_kill[name]:
                self.rest.choice(mortal).kill(at + self.rest.choice((0, 0, 0.5, 2)))
                self.next_kill[name] = at + self.rest.uniform(*self.pause())

    def look_after(self, at):
        """Processes that ended by themselves, and parts that hear nothing any more."""
        for process in self.all():
            if process.back_at is None and process.process.poll() is not None:
                raise Failure(f"{process.player.name} ended with {process.process.returncode}:\n"
                              + process.log.read_text(errors="replace")[-800:])
        for name, uses in self.ledgers.items():
            for ledger in (ledger for use, group in uses.items() for ledger in group
                           if use not in ("sends", "publishes", "forwards")):
                count = ledger.fields()["received"]
                if count != self.before.get(ledger.path):
                    self.before[ledger.path], self.since[ledger.path] = count, at
                elif at - self.since[ledger.path] > STUCK:
                    self.since[ledger.path] = at
                    self.trouble.append(f"{name}: {ledger.path.name} hears nothing any more")

    # ---- acts ----

    def play(self):
        # The clock of the looks: the machine may stand still in between.
        at, every = 0.0, max(0.5, self.args.seconds / 360)
        next_sample, began = 0.0, time.monotonic()
        quiet_end = 2 if self.args.seconds < 120 else 15
        while at < self.args.seconds:
            before = time.monotonic()
            time.sleep(LOOK)
            may = at < self.args.seconds - quiet_end
            for cable in self.cables.values():
                cable.look(at, may)
            self.kill_and_revive(at, may)
            if at >= next_sample:
                next_sample += every
                self.sample(began)
                self.look_after(at)
            at += min(1.0, time.monotonic() - before)

    def sample(self, began):
        for process in self.all():
            process.sample()
        lasting = [process for process in self.all() if process.rss and not process.player.is_killed]
        self.samples.append((time.monotonic() - began, sum(p.rss[-1] for p in lasting),
                             sum(p.fds[-1] for p in lasting),
                             sum(p.cpu + p.spent for p in self.all())))
        if sys.stdout.isatty() or len(self.samples) % 30 == 0:
            seconds, rss, fds, cpu = self.samples[-1]
            kills = sum(process.kills for process in self.all())
            print(f"soak: {seconds:.0f} s, {rss:.0f} MiB, {fds} descriptors, {cpu:.0f} s of "
                  f"processors, {kills} kills", flush=True)

    def end(self):
        """Senders first, then, when nothing comes any more, the others."""
        for process in self.all():
            process.process.send_signal(signal.SIGUSR1)
        still, before = 0, None
        for look in range(ENDLESS):
            time.sleep(LOOK)
            now = [ledger.fields()["received"] for uses in self.ledgers.values()
                   for group in uses.values() for ledger in group]
            still = still + 1 if now == before else 0
            before = now
            if still >= 15 and self.senders_are_done():
                break
        else:
            self.trouble.append("the senders do not end: " + ", ".join(self.unfinished()))
        for process in self.all():
            process.process.send_signal(signal.SIGTERM)
        for process in self.all():
            self.await_end(process)

    def unfinished(self):
        return [process.player.name for process in self.all()
                if self.only_sends(process) and process.process.poll() is None]

    @staticmethod
    def only_sends(process):
        kinds = {part.split(" ")[0] for part in process.player.parts}
        return kinds <= {"push", "pub", "req", "dealer", "client"}

    def senders_are_done(self):
        return not self.unfinished()

    def await_end(self, process):
        for _ in range(ENDLESS):
            if process.process.poll() is not None:
                break
            time.sleep(LOOK)
        else:
            process.process.kill()
            self.trouble.append(f"{process.player.name} does not end")
        if process.process.wait() != 0:
            self.trouble.append(f"{process.player.name} ended with {process.process.returncode}")

    # ---- judgement ----

    def judge(self):
        """Prints the results; returns (passed, failed)."""
        sums, kills = {}, {}
        for lane in self.lanes:
            group = self.processes[lane.name]
            kills[lane.name] = sum(process.kills for process in group)
            for ledger in (ledger for uses in self.ledgers[lane.name].values() for ledger in uses):
                for process in group:
                    if any(f"ledger={ledger.path} " in part for part in process.player.parts):
                        ledger.kills = process.kills
            sums[lane] = judge.judge(lane, self.ledgers[lane.name])
        print("\n".join(report.table(sums, kills)))
        failed = 0
        for lane, total in sums.items():
            failed += bool(total.wrong)
            for wrong in total.wrong:
                print(f"FAILED {lane.name}: {wrong}")
            if total.wrong:
                self.show_logs(lane)
        grown = self.growth()
        for trouble in [*grown, *self.trouble]:
            print(f"FAILED {trouble}")
        failed += bool(grown) + bool(self.trouble)
        self.draw()
        return len(sums) + 2 - failed, failed

    def show_logs(self, lane):
        for process in self.processes[lane.name]:
            for line in process.log.read_text(errors="replace").splitlines()[:20]:
                print(f"    {process.player.name}: {line}")

    def growth(self):
        """Processes that lived all the time and have more in the end."""
        is_short = self.args.seconds < 120
        found = []
        for process in self.all():
            if process.player.is_killed:
                continue
            for what, samples, share, slack in (
                    ("MiB", process.rss, 0.25 if is_short else 0.1, 16 if is_short else 4),
                    ("descriptors", process.fds, 0.1, 4)):
                grown = report.growth(samples, share, slack)
                if grown:
                    found.append(f"{process.player.name} grows: {grown} {what}")
        return found

    def draw(self):
        times, rss, fds, cpu = zip(*self.samples)
        busy = [(b - a) / max(0.1, t - s) for s, t, a, b in zip(times, times[1:], cpu, cpu[1:])]
        lasting = sum(not process.player.is_killed for process in self.all())
        path = pathlib.Path(self.args.svg)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(report.svg([
            (f"MiB of {lasting} lasting processes", list(rss)),
            ("descriptors of the same", list(fds)),
            ("busy processors, all processes", busy or [0.0])], times[-1]))
        cuts = ", ".join(f"{cable.count} {name}" for name, cable in self.cables.items())
        print(f"\nsoak: {times[-1]:.0f} s, {cpu[-1]:.0f} s of processors, "
              f"{sum(p.kills for p in self.all())} kills, cuts: {cuts}; "
              f"RSS {rss[len(rss) // 4]:.0f} to {rss[-1]:.0f} MiB, descriptors "
              f"{fds[len(fds) // 4]} to {fds[-1]}; curves in {path}")


def parse(argv):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="only lanes with this in their name")
    parser.add_argument("--lib", default=str(ROOT / "stage" / "lib"), help="the library's folder")
    parser.add_argument("--build", default=str(ROOT / "build" / "soak"))
    parser.add_argument("--svg", default=str(ROOT / "build" / "soak" / "soak.svg"))
    parser.add_argument("--seconds", type=float, default=float(os.environ.get("SOAK_SECONDS", 1800)))
    parser.add_argument("--rate", type=int, default=int(os.environ.get("SOAK_RATE", 300)))
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args(argv)
    args.lib = library_dir(args.lib)
    return args


def main(argv):
    args = parse(argv)
    missing = hosts.what_is_missing()
    if missing:
        raise Failure(missing)
    hosts.sweep()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("soak: told to end"))
    folder, rest = tempfile.mkdtemp(prefix="soak-"), random.Random(args.seed)
    stage = None
    try:
        with Cable((2, 8), (0.05, 0.6), rest) as link, Cable((3, 12), (1.5, 4), rest) as storm:
            try:
                stage = Stage(args, folder, {"link": link, "storm": storm})
                stage.play()
                stage.end()
                passed, failed = stage.judge()
            finally:
                for process in stage.all() if stage else []:
                    if process.process.poll() is None:
                        process.process.kill()
                        process.process.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    run_script("soak", main)
