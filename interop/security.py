#!/usr/bin/env python3
"""CURVE, PLAIN, NULL and ZAP between two libzmq libraries.

Every scenario runs with each library as the server and as the client, each end
as the binder, over tcp and ipc. What the two ends print (monitor events, what
the ZAP handler was asked, messages and their metadata) must be what they print
when both run on the reference library. Afterwards replay.py sits between the
two, and repeats, reorders and damages what they say.
"""

import argparse
import concurrent.futures
import itertools
import pathlib
import re
import subprocess
import tempfile
import time

import intruder
import replay
import run as driver
from run import Failure, compile_program, run_script

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent

# Pairs of keys for the tests, public and secret.
SERVER = (")c*dYu?PGM:+7s4{p*&)lWFVGVi2CqNQ)]f)-W+9", "*?AGEL5s1q@8B2%E3:^V=4v$?2&>S0VGr.Gj]iR{")
CLIENT = ("T0vIU7Oy!U[>Bn&:R]G4r>P?rKm#xwrj57S4jXj$", "+6i56B(Eh5y33kXN2$NlkW{H=0y@$BKcX8raMC{q")
OTHER = ("-p&2Uvk:)i5/yAl7d3hXbi(37=pZ=YaHkU4^)+2V", "M9xT=n.H=]RxX]LmxS?%y]mn])$Hykm(17Z?&Hq=")
Z85 = ("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
       ".-:+=^!/*?&<>()[]{}@%$#")


def key_hex(text):
    """The hex form of a key in its printable form."""
    value = bytearray()
    for i in range(0, len(text), 5):
        number = 0
        for character in text[i:i + 5]:
            number = number * 85 + Z85.index(character)
        value += number.to_bytes(4, "big")
    return value.hex()


class Node(driver.Peer):
    """A process with one socket; see secure.c."""

    our_library = None

    def __init__(self, program, lib, scratch, kind, verb, endpoint, arguments):
        super().__init__(program, [kind, verb, endpoint, *arguments], lib, scratch)
        self.ours = lib == self.our_library
        self.endpoint = self.wait_for("endpoint")
        self.check_library()

    def do(self, command):
        self.say(command + "\n")

    def until(self, start, count=1, timeout=20.0):
        """Waits for so many lines that begin so."""
        until = time.monotonic() + timeout
        with self.arrived:
            while sum(line.startswith(start) for line in self.lines) < count:
                if "end of output" in self.lines or time.monotonic() > until:
                    raise Failure(f"no '{start}', but: {' | '.join(self.lines[-4:])}")
                self.arrived.wait(0.5)

    def has(self, start):
        with self.arrived:
            return any(line.startswith(start) for line in self.lines)

    def close(self):
        """Has it end; what it still says is read."""
        self.do("end")
        self.until("done")
        if self.process.wait(timeout=10) != 0:
            raise Failure(f"exit {self.process.returncode}")

    def story(self):
        """What it said, one list for the monitor, one for the handler, one for the socket."""
        events, asked, said = [], [], []
        for line in self.lines:
            word = line.split(" ")[0]
            if word == "event":
                # Told or not told, as the connection happens to go.
                if line not in ("event CONNECT_DELAYED", "event CLOSED"):
                    # A loss is a loss, before or after the last byte was read.
                    events.append(re.sub("FAILED_NO_DETAIL (20|68)$", "FAILED_NO_DETAIL lost", line))
            elif word == "zap":
                asked.append(re.sub("6c6f63616c686f7374(3a3[0-9]|3[0-9])+", "ipc-peer", line))
            elif word not in ("library", "endpoint", "done", "end"):
                said.append(re.sub(r"localhost(:\d+){3}", "ipc-peer", line))
        if not self.ours:
            events = once(events)
        return events, asked, said


def once(events):
    """What libzmq 4.3 tells, without second reasons for the end of a connection.

    It may keep a connection that its handler refused until the time of the
    handshake is over, or until the peer is gone.
    """
    told, failed = [], False
    for event in events:
        if not (failed and event.startswith("event FAILED_NO_DETAIL")):
            told.append(event)
        failed = event.startswith("event FAILED")
    return told


class Scenario:
    """What two ends are told to be and to do."""

    def __init__(self, label, play, server, client, kinds=("DEALER", "DEALER"), **more):
        self.label, self.play, self.server, self.client = label, play, server, client
        self.kinds, self.more = kinds, more


# ---- what the ends do ----

def meet(server, client, _):
    """Messages of all sizes, there and back."""
    client.do("exchange")
    server.do("echo")
    client.until("exchanged")
    server.until("echoed")
    client.do("send 68656c6c6f")
    server.do("recv")
    server.until("recv")
    server.do("send 776f726c64")
    client.do("recv")
    client.until("recv")
    part(server, client, _)


def part(server, client, _):
    client.close()
    server.until("event DISCONNECTED")
    server.close()


def publish(server, client, _):
    """Subscriptions up, messages down."""
    client.do("recv")  # a bound SUB meets its publisher inside a call
    server.do("recv")
    server.until("recv")
    server.do("send 4e6f")
    server.do("send 5465")
    client.until("recv")
    part(server, client, _)


def refused(server, client, scenario):
    """Both see the end of the connection, and no message."""
    for node in (server, client):
        node.until("event DISCONNECTED")
        node.do("look")
        node.until("recv nothing")
    released = scenario.more.get("released")
    if released:
        server.do("release")
    for node in (client, server):
        node.close()


def buried(server, client, scenario):
    """The handler ends with the question in hand. That is not as if there were none."""
    server.until("zap")
    server.do("bury")
    refused(server, client, scenario)


def patience(server, client, scenario):
    """Nothing happens until the handler answers."""
    server.until("zap")
    client.do("look")
    client.until("recv nothing")
    server.do("look")
    server.until("recv nothing")
    for node in (server, client):
        if node.has("event HANDSHAKE") or node.has("event FAILED"):
            raise Failure("the handshake went on without an answer")
    server.do("release")
    meet(server, client, scenario)


# ---- who they are ----

def curve_server(**keys):
    return ["CURVE_SERVER=i:1", f"CURVE_SECRETKEY=s:{keys.get('secret', SERVER[1])}"]


def curve_client(server=SERVER[0], public=CLIENT[0], secret=CLIENT[1], form="s"):
    spell = key_hex if form == "x" else str
    return [f"CURVE_SERVERKEY={form}:{spell(server)}", f"CURVE_PUBLICKEY={form}:{spell(public)}",
            f"CURVE_SECRETKEY={form}:{spell(secret)}"]


def plain_client(user="admin", password="secret"):
    return [f"PLAIN_USERNAME=s:{user}", f"PLAIN_PASSWORD=s:{password}"]


PLAIN_SERVER = ["PLAIN_SERVER=i:1", "ZAP_DOMAIN=s:global"]
PLAIN_ALLOW = f"zapallow={b'admin'.hex()}/{b'secret'.hex()}"
ALLOW = f"zapallow={key_hex(CLIENT[0])}"
USER = ["zapuser=joe", "zapmeta=" + (b"\x05Hello\0\0\0\x05World\x07User-Id\0\0\0\x04jack").hex()]
DOMAIN = ["ZAP_DOMAIN=s:global"]
BEAT = ["HEARTBEAT_IVL=i:1", "HEARTBEAT_TIMEOUT=i:10000"]
SHORT = "HANDSHAKE_IVL=i:300"


def welcome():
    """Those that end well."""
    yield Scenario("null", meet, [], [])
    yield Scenario("null, zap", meet, DOMAIN + ["zap=200", "ROUTING_ID=s:server"] + USER,
                   ["ROUTING_ID=s:client"])
    yield Scenario("null, domain without handler", meet, DOMAIN, [])
    yield Scenario("null, handler without domain", meet, ["zap=400"], [])
    yield Scenario("plain", meet, PLAIN_SERVER + ["zap=200", PLAIN_ALLOW] + USER, plain_client())
    yield Scenario("plain, long", meet, ["PLAIN_SERVER=i:1", "zap=200"],
                   plain_client("u" * 255, "p" * 255))
    yield Scenario("plain, no password", meet, ["PLAIN_SERVER=i:1", "zap=200"],
                   ["PLAIN_USERNAME=s:admin"])
    yield Scenario("plain, replying handler", meet,
                   PLAIN_SERVER + ["zap=200", "zaptype=REP"], plain_client())
    yield Scenario("plain, slow handler", patience,
                   PLAIN_SERVER + ["zap=200", "zaphold=1"], plain_client())
    yield Scenario("curve", meet, curve_server(), curve_client())
    yield Scenario("curve, zap", meet,
                   curve_server() + DOMAIN + ["zap=200", ALLOW] + USER, curve_client())
    yield Scenario("curve, slow handler", patience,
                   curve_server() + ["zap=200", "zaphold=1"], curve_client())
    yield Scenario("curve, keys as bytes", meet,
                   ["CURVE_SERVER=i:1", f"CURVE_SECRETKEY=x:{key_hex(SERVER[1])}"],
                   curve_client(form="x"))
    yield Scenario("curve, keys with NUL", meet,
                   ["CURVE_SERVER=i:1", f"CURVE_SECRETKEY=z:{SERVER[1]}"], curve_client(form="z"))
    yield Scenario("curve, bad keys refused", meet,
                   curve_server() + ["CURVE_SECRETKEY=s:short", "CURVE_SECRETKEY=s:" + "~" * 40],
                   curve_client() + ["CURVE_SERVERKEY=s:" + "#" * 40, "CURVE_PUBLICKEY=x:00"])
    yield Scenario("curve, heartbeats", meet, curve_server() + BEAT,
                   curve_client() + BEAT)
    yield Scenario("curve, subscriptions", publish, curve_server() + ["zap=200"] + USER,
                   curve_client() + ["SUBSCRIBE=s:Te"], ("XPUB", "SUB"))
    yield Scenario("plain, subscriptions", publish, PLAIN_SERVER + ["zap=200"] + USER,
                   plain_client() + ["SUBSCRIBE=s:Te"], ("XPUB", "SUB"))


def unwelcome():
    """Those whose handshake must fail."""
    curve, plain, null = curve_server(), PLAIN_SERVER, DOMAIN
    yield Scenario("curve, wrong server key", refused, curve, curve_client(server=OTHER[0]))
    yield Scenario("curve, wrong secret key", refused, curve, curve_client(secret=OTHER[1]))
    yield Scenario("curve, wrong public key", refused, curve, curve_client(public=OTHER[0]))
    yield Scenario("curve, server with another secret", refused, curve_server(secret=OTHER[1]),
                   curve_client())
    yield Scenario("curve, unknown key", refused, curve + ["zap=200", ALLOW],
                   curve_client(public=OTHER[0], secret=OTHER[1]))
    yield Scenario("plain, wrong password", refused, plain + ["zap=200", PLAIN_ALLOW],
                   plain_client(password="secreT"))
    yield Scenario("plain, wrong user", refused, plain + ["zap=200", PLAIN_ALLOW],
                   plain_client(user="root"))
    yield Scenario("plain, no handler", refused, plain + [SHORT], plain_client())
    yield Scenario("curve, handler never answers", refused,
                   curve + ["zap=200", "zaphold=1", SHORT], curve_client(), released=True)
    for name, server, client in (("null", null, []), ("plain", plain, plain_client()),
                                 ("curve", curve, curve_client())):
        yield Scenario(f"{name}, handler ends in mid-question", buried,
                       server + ["zap=200", "zaphold=1", SHORT], client)
    ends = {"null": (null, []), "plain": (plain, plain_client()), "curve": (curve, curve_client())}
    for name, (server, client) in ends.items():
        for status in ("300", "400", "500"):
            yield Scenario(f"{name}, status {status}", refused, 
                           server + [f"zap={status}", SHORT] + USER, client)
        for fault in ("version", "id", "delimiter", "short", "long", "one"):
            yield Scenario(f"{name}, bad {fault}", refused,
                           server + ["zap=200", f"zapfault={fault}", SHORT], client)
        for status in ("100", "201", "600", "2000", "abc"):
            yield Scenario(f"{name}, status {status}", refused, server + [f"zap={status}", SHORT],
                           client)
        yield Scenario(f"{name}, bad metadata", refused,
                       server + ["zap=200", "zapmeta=0548656c", SHORT], client)
        for other, (_, stranger) in ends.items():
            if other != name:
                yield Scenario(f"{name} server, {other} client", refused, server + ["zap=200"],
                               stranger, mismatch=True)
    yield Scenario("plain, two servers", refused, plain + ["zap=200", SHORT],
                   plain + ["zap=200", SHORT], either=True)
    yield Scenario("curve, two servers", refused, curve + [SHORT], curve + [SHORT], either=True)
    yield Scenario("plain, two clients", refused, plain_client(), plain_client(), either=True)
    yield Scenario("curve, two clients", refused, curve_client(), curve_client(), either=True)


# ---- how it is run ----

def mild(scenario, stories):
    """Who notices first and who is left with a lost connection is a race in some scenarios."""
    if scenario.more.get("mismatch") or scenario.more.get("either"):
        kinds = {event for story in stories for event in story[0] if "FAILED" in event}
        told = kinds - {"event FAILED_NO_DETAIL lost"}
        for events, _, _ in stories:
            events[:] = ["event FAILED" if "FAILED" in event else event for event in events]
        return [*stories, sorted(told)]
    return stories


def run_one(program, scenario, libs, server_binds, transport):
    """Returns what both ends said."""
    with tempfile.TemporaryDirectory(prefix="security-") as scratch:
        address = "tcp://127.0.0.1:*" if transport == "tcp" else f"ipc://{scratch}/s"
        ends = [[scenario.kinds[0], scenario.server, libs[0]],
                [scenario.kinds[1], scenario.client, libs[1]]]
        nodes = []
        try:
            for verb, (kind, arguments, lib) in zip(
                    ("bind", "connect"), ends if server_binds else reversed(ends)):
                if scenario.play in (refused, buried):
                    arguments = arguments + ["first=" + b"intruder".hex()]
                nodes.append(Node(program, lib, scratch, kind, verb, address, arguments))
                address = nodes[-1].endpoint
            server, client = nodes if server_binds else reversed(nodes)
            scenario.play(server, client, scenario)
            return mild(scenario, [server.story(), client.story()])
        finally:
            for node in nodes:
                node.end()


def compare(program, scenario, libs, server_binds, transport):
    """Runs a scenario on the pairs of libraries; returns (passed, complaints)."""
    ours, other = libs
    told = run_one(program, scenario, (other, other), server_binds, transport)
    passed, complaints = 0, []
    for names in (("ours", "other"), ("other", "ours"), ("ours", "ours")):
        pair = [ours if name == "ours" else other for name in names]
        label = (f"{scenario.label}: {names[0]} {'binds' if server_binds else 'connects'} as "
                 f"server, {names[1]} as client, {transport}")
        try:
            got = run_one(program, scenario, pair, server_binds, transport)
            if got != told:
                raise Failure(f"\n  reference {told}\n  here      {got}")
            passed += 1
        except (Failure, subprocess.TimeoutExpired) as trouble:
            complaints.append(f"{label}: {trouble}")
    return passed, complaints


def run_enforced(program, ours):
    """What headers of 4.3 keep for drafts, and so has no reference here."""
    enforce = "ZAP_ENFORCE_DOMAIN=i:1"
    lonely = "event FAILED_NO_DETAIL e"
    cases = [
        Scenario("enforced domain, null, no handler", refused, DOMAIN + [enforce], [], end=lonely),
        Scenario("enforced domain, curve, no handler", refused,
                 curve_server() + DOMAIN + [enforce], curve_client(), end=lonely),
        Scenario("enforced without domain, curve", meet,
                 curve_server() + [enforce, "zap=400"], curve_client()),
    ]
    passed, complaints = 0, []
    for scenario, transport in itertools.product(cases, ("tcp", "ipc")):
        try:
            (events, asked, _), _ = run_one(program, scenario, (ours, ours), True, transport)
            wanted = scenario.more.get("end", "event HANDSHAKE_SUCCEEDED")
            if wanted not in events or asked:
                raise Failure(f"{events} {asked}")
            passed += 1
        except Failure as trouble:
            complaints.append(f"{scenario.label}, {transport}: {trouble}")
    return passed, complaints


def replay_jobs(pool, program, libs, only):
    """Starts the cases of replay.py; yields what runs, with its label."""
    def start(lib, scratch, verb, endpoint, arguments):
        return Node(program, lib, scratch, "DEALER", verb, endpoint, arguments)
    curve = (curve_server(), curve_client())
    plain = (PLAIN_SERVER + ["zap=200"], plain_client())
    for label, ends, case, raw in replay.jobs(curve, plain):
        if only in f"replay {label}":
            job = pool.submit(replay.compare, start, f"replay {label}", ends, case, raw, libs)
            yield job, label


def run_intruder(program, ours, case):
    """A case of intruder.py."""
    with tempfile.TemporaryDirectory(prefix="security-") as scratch:
        case(lambda verb, endpoint, arguments:
             Node(program, ours, scratch, "DEALER", verb, endpoint, arguments))
    return 1, []


def run_keys(program, libs):
    """Each library's pairs of keys are pairs to the other one, too."""
    def ask(lib, *arguments):
        done = subprocess.run([str(program), *arguments], env=driver.environment(lib), text=True,
                              capture_output=True, timeout=20)
        return done.stdout.split()
    passed, complaints = 0, []
    for maker, checker in (libs, reversed(libs)):
        public, secret = ask(maker, "keys")
        if ask(checker, "public", secret) == [public]:
            passed += 1
        else:
            complaints.append(f"keys: {secret} does not belong to {public}")
    return passed, complaints


def parse(argv):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lib", default=str(ROOT / "stage" / "lib"), help="our library")
    parser.add_argument("--other", help="the other library (default: the system's)")
    parser.add_argument("--include", default="/usr/include", help="directory of zmq.h")
    parser.add_argument("--build", default=str(ROOT / "build" / "interop"))
    parser.add_argument("--only", default="", help="only scenarios whose label has this text")
    parser.add_argument("--jobs", type=int, default=6)
    return parser.parse_args(argv)


def main(argv):
    args = parse(argv)
    libs = (driver.library_dir(args.lib), driver.library_dir(args.other) if args.other else None)
    Node.our_library = libs[0]
    program = compile_program(pathlib.Path(args.build) / "secure", [HERE / "secure.c"],
                              ["-std=c99", "-O2", "-I", args.include, "-lzmq", "-lpthread"])
    passed = failed = 0
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        jobs = {}
        for scenario in itertools.chain(welcome(), unwelcome()):
            if args.only in scenario.label:
                for binds, transport in itertools.product((True, False), ("tcp", "ipc")):
                    job = pool.submit(compare, program, scenario, libs, binds, transport)
                    jobs[job] = scenario.label
        if not args.only:
            jobs[pool.submit(run_enforced, program, libs[0])] = "enforced domain"
            jobs[pool.submit(run_keys, program, libs)] = "keys"
        for label, case in intruder.jobs(PLAIN_SERVER, curve_server(), (b"admin", b"secret")):
            if args.only in f"intruder {label}":
                jobs[pool.submit(run_intruder, program, libs[0], case)] = f"intruder {label}"
        for job in replay_jobs(pool, program, libs, args.only):
            jobs[job[0]] = job[1]
        for job in concurrent.futures.as_completed(jobs):
            try:
                good, complaints = job.result()
            except (Failure, subprocess.TimeoutExpired) as trouble:
                good, complaints = 0, [f"{jobs[job]}: {trouble}"]
            passed, failed = passed + good, failed + len(complaints)
            for complaint in complaints:
                print(f"security {complaint}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    run_script("security", main)
