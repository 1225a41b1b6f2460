"""Two network namespaces joined by a cable, and processes that run in them."""

import os
import pathlib
import re
import shutil
import subprocess
import threading
import time

from programs import Failure, environment

# Every wait that is expected to succeed ends by then, in seconds.
PATIENCE = 10.0
LEFT, FAR_LEFT, RIGHT, NOBODY = "10.77.0.1", "10.77.0.3", "10.77.0.2", "10.77.0.99"
LEFT6, RIGHT6 = "fd77::1", "fd77::2"

KINDS = {0x1: "CONNECTED", 0x2: "CONNECT_DELAYED", 0x4: "CONNECT_RETRIED", 0x8: "LISTENING",
         0x20: "ACCEPTED", 0x40: "ACCEPT_FAILED", 0x80: "CLOSED", 0x200: "DISCONNECTED",
         0x400: "MONITOR_STOPPED", 0x800: "HANDSHAKE_FAILED", 0x1000: "HANDSHAKE_SUCCEEDED"}


def now():
    """Milliseconds of the clock that the hosts' events have, too."""
    return time.clock_gettime(time.CLOCK_MONOTONIC) * 1e3


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    if done.returncode:
        raise Failure(f"{' '.join(command)}: {done.stderr.strip() or done.returncode}")
    return done.stdout


class Net:
    """A cable between the namespaces `left` and `right`, pulled when it ends.

    The namespaces' names have this process's id in them, so that what a killed
    run left behind can be told from what runs.
    """

    PREFIX = "zmq-test"
    number, lock = 0, threading.Lock()

    def __init__(self):
        with Net.lock:
            Net.number += 1
            stem = f"{self.PREFIX}-{os.getpid()}-{Net.number}"
        self.names = {side: f"{stem}-{side}" for side in ("left", "right")}
        self.hosts = []

    def __enter__(self):
        try:
            self.lay()
        except BaseException:
            self.__exit__()
            raise
        return self

    def lay(self):
        for name in self.names.values():
            run("ip", "netns", "add", name)
        left, right = self.names.values()
        run("ip", "-n", left, "link", "add", "left", "type", "veth",
            "peer", "name", "right", "netns", right)
        for side, addresses in (("left", (LEFT, FAR_LEFT)), ("right", (RIGHT,))):
            for address in addresses:
                self.ip(side, "addr", "add", f"{address}/24", "dev", side)
            self.ip(side, "link", "set", "lo", "up")
            self.ip(side, "link", "set", side, "up")
        # Packets to nobody go out and are never heard of again.
        self.ip("left", "neigh", "add", NOBODY, "lladdr", "02:00:00:00:00:99", "dev", "left")

    def __exit__(self, *_):
        for host in self.hosts:
            host.end()
        for name in self.names.values():
            subprocess.run(["ip", "netns", "del", name], capture_output=True, timeout=PATIENCE)

    def ip(self, side, *words):
        return run("ip", "-n", self.names[side], *words)

    def inside(self, side, *command):
        return run("ip", "netns", "exec", self.names[side], *command)

    def add_ipv6(self):
        """False if the kernel has no IPv6."""
        try:
            for side, address in (("left", LEFT6), ("right", RIGHT6)):
                self.ip(side, "addr", "add", f"{address}/64", "dev", side, "nodad")
                self.ip(side, "addr", "add", f"fe80::{address[-1]}/64", "dev", side, "nodad")
        except Failure:
            return False
        return True

    def cut(self, side="right"):
        """Pulls the cable out of one side. Returns between when and when."""
        before = now()
        self.ip(side, "link", "set", side, "down")
        return before, now()

    def heal(self, side="right"):
        before = now()
        self.ip(side, "link", "set", side, "up")
        return before

    def host(self, side, program, lib_dir):
        host = Host(["ip", "netns", "exec", self.names[side], str(program)], side, lib_dir)
        self.hosts.append(host)
        return host


def sweep(own=False):
    """Removes what a killed run left behind, or what this one has not removed."""
    for line in run("ip", "netns", "list").splitlines():
        found = re.match(rf"({Net.PREFIX}-(\d+)-\d+-(?:left|right))\b", line)
        if not found:
            continue
        pid = int(found[2])
        if pid == os.getpid() if own else not os.path.exists(f"/proc/{pid}"):
            subprocess.run(["ip", "netns", "del", found[1]], capture_output=True, timeout=PATIENCE)


def what_is_missing():
    """Why no namespace can be made here, in words, or None."""
    if not shutil.which("ip") or not shutil.which("ss"):
        return "needs the commands `ip` and `ss` (Debian: iproute2)"
    if os.geteuid() != 0:
        return "needs root, to make network namespaces"
    try:
        with Net():
            return None
    except (Failure, subprocess.TimeoutExpired) as trouble:
        return f"needs the right to make network namespaces: {trouble}"


class Event:
    def __init__(self, line):
        kind, value, when, *endpoint = line.split(" ")
        self.kind = KINDS.get(int(kind), kind)
        self.value, self.when = int(value), float(when)
        self.endpoint = " ".join(endpoint)

    def __repr__(self):
        return f"{self.kind}({self.value})"


class Host:
    """A process in a namespace, with one socket that is watched."""

    def __init__(self, command, side, lib_dir):
        self.side, self.lib_dir = side, lib_dir
        self.answers, self.events, self.library = [], [], set()
        self.asked, self.over = 0, False
        self.news = threading.Condition()
        self.process = subprocess.Popen(command, env=environment(lib_dir), text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            word, _, rest = line.rstrip("\n").partition(" ")
            with self.news:
                if word == "event":
                    self.events.append(Event(rest))
                elif word == "library":
                    self.library.add(str(pathlib.Path(rest).resolve().parent))
                else:
                    self.answers.append((word, rest))
                self.news.notify_all()
        with self.news:
            self.over = True
            self.news.notify_all()

    def tell(self, *words):
        """Gives a command whose answer is not waited for yet; see `hear`."""
        self.asked += 1
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()

    def hear(self, patience=PATIENCE):
        """The answer to the last command: ("ok" or "error", the rest)."""
        with self.news:
            if not self.news.wait_for(lambda: len(self.answers) >= self.asked or self.over,
                                      patience):
                raise Failure(f"{self.side}: no answer within {patience} s; {self.events[-4:]}")
            if len(self.answers) < self.asked:
                raise Failure(f"{self.side}: the process ended ({self.answers[-1:]})")
            return self.answers[self.asked - 1]

    def ask(self, *words, patience=PATIENCE):
        self.tell(*words)
        return self.expect_ok(words, patience)

    def expect_ok(self, words=("the last command",), patience=PATIENCE):
        kind, rest = self.hear(patience)
        if kind != "ok":
            raise Failure(f"{self.side}: {' '.join(map(str, words))}: {kind} {rest}")
        return rest

    def refused(self, *words):
        """The errno of a command, 0 if it succeeds."""
        self.tell(*words)
        kind, rest = self.hear()
        return int(rest.split(" ")[0]) if kind == "error" else 0

    def seen(self, kind, since=0.0):
        """The events of a kind so far."""
        with self.news:
            return [e for e in self.events if e.kind == kind and e.when >= since]

    def wait(self, kind, since=0.0, count=1, patience=PATIENCE):
        """The count-th event of a kind since a time."""
        with self.news:
            if not self.news.wait_for(
                    lambda: len(self.seen(kind, since)) >= count or self.over, patience):
                raise Failure(f"{self.side}: no {kind} number {count} within {patience} s, "
                              f"but {self.events[-6:]}")
            found = self.seen(kind, since)
            if len(found) < count:
                raise Failure(f"{self.side}: ended before {kind}")
            return found[count - 1]

    def check_library(self):
        if not self.library or (self.lib_dir and self.library != {str(self.lib_dir)}):
            raise Failure(f"{self.side} ran on {sorted(self.library)}, not on {self.lib_dir}")

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.reader.join(5)
        for stream in (self.process.stdin, self.process.stdout):
            try:
                stream.close()
            except BrokenPipeError:
                pass
