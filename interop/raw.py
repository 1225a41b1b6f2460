#!/usr/bin/env python3
"""Speaks ZMTP 1.0, 2.0, 3.0 and 3.1 from plain sockets to a library process."""

import argparse
import concurrent.futures
import pathlib
import socket
import sys

import run as driver
from wire import VERSIONS, TYPE_BYTE, Wire, WireError, greeting_3, pattern, ready

HERE = pathlib.Path(__file__).resolve().parent
SIZES = (0, 1, 33, 34, 254, 255, 256, 8191, 8192, 65536)


def word(part):
    """A part as shell.c writes it."""
    if not part:
        return "-"
    if len(part) >= 32:
        return f"*{len(part)}" if part == pattern(len(part)) else f"damaged{len(part)}"
    return part.hex()


def require(condition, text):
    if not condition:
        raise WireError(text)


class Shell(driver.Peer):
    """A library process that obeys commands."""

    def __init__(self, program, lib, kind, verb, endpoint, routing_id=None):
        self.seen = 0
        super().__init__(program, [kind, verb, endpoint] + ([routing_id] if routing_id else []),
                         lib, None)
        self.endpoint = self.wait_for("endpoint")
        self.seen = len(self.lines)
        self.check_library()

    def do(self, command, asked=False):
        """Sends a command, unless it was sent before; returns the line of its answer."""
        if not asked:
            self.say(command + "\n")
        with self.arrived:
            if not self.arrived.wait_for(lambda: len(self.lines) > self.seen, 15):
                raise WireError(f"no answer to '{command}'")
            self.seen += 1
            return self.lines[self.seen - 1]

    def ok(self, command):
        answer = self.do(command)
        require(answer.startswith("ok"), f"'{command[:40]}' gave '{answer}'")

    def expect(self, *parts, asked=False):
        answer, wanted = self.do("recv", asked), " ".join(["recv"] + [word(p) for p in parts])
        require(answer == wanted, f"'{answer[:80]}' instead of '{wanted[:80]}'")


class Setting:
    """A library socket and one raw connection to it."""

    def __init__(self, program, lib, kind, binds, routing_id=None):
        self.listener = None
        if binds:
            self.shell = Shell(program, lib, kind, "bind", "tcp://127.0.0.1:*", routing_id)
        else:
            self.listener = socket.create_server(("127.0.0.1", 0))
            self.listener.settimeout(10)
            port = self.listener.getsockname()[1]
            self.shell = Shell(program, lib, kind, "connect", f"tcp://127.0.0.1:{port}",
                               routing_id)
        self.open = []

    def socket(self):
        if self.listener:
            sock = self.listener.accept()[0]
        else:
            port = int(self.shell.endpoint.rsplit(":", 1)[1])
            sock = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.open.append(sock)
        return sock

    def wire(self, version, kind, identity=b"", trickle=False):
        return Wire(self.socket(), version, kind, identity, trickle).handshake()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for sock in self.open + ([self.listener] if self.listener else []):
            sock.close()
        self.shell.end()


# ---- the exchanges; each takes (make a setting, version) ----

def raw_push(make, version):
    """Raw PUSH to PULL: every size, one part and many."""
    with make("PULL") as here:
        wire = here.wire(version, "PUSH")
        for size in SIZES:
            wire.send(pattern(size))
            here.shell.expect(pattern(size))
        wire.send(*[pattern(size) for size in SIZES])
        here.shell.expect(*[pattern(size) for size in SIZES])
        wire.send(*[b"p"] * 100)
        here.shell.expect(*[b"p"] * 100)


def raw_trickle(make, version):
    """The same byte by byte, from the first byte of the greeting on."""
    with make("PULL") as here:
        wire = here.wire(version, "PUSH", trickle=True)
        for parts in ([b"one"], [b"", b"two", b""], [pattern(300), b"x"]):
            wire.send(*parts)
            here.shell.expect(*parts)


def raw_pull(make, version):
    """PUSH to raw PULL."""
    with make("PUSH") as here:
        wire = here.wire(version, "PULL")
        for size in SIZES:
            here.shell.ok(f"send *{size}" if size else "send -")
            require(wire.recv() == [pattern(size)], f"a wrong message of {size} bytes")
        here.shell.ok("send 61 - *8192 62")
        require(wire.recv() == [b"a", b"", pattern(8192), b"b"], "wrong parts")


def raw_sub(make, version):
    """XPUB to raw SUB: subscriptions up, matching messages down."""
    with make("XPUB") as here:
        wire = here.wire(version, "SUB")
        if version == "1.0":
            # So old a peer is taken to want everything.
            here.shell.expect(b"\x01")
        wire.subscribe(b"T")
        here.shell.expect(b"\x01T")
        here.shell.ok("send 4e6f")          # "No"
        here.shell.ok("send 546f 31 *300")  # "To"
        if version == "1.0":
            require(wire.recv() == [b"No"], "wrong first message")
        require(wire.recv() == [b"To", b"1", pattern(300)], "wrong message")
        wire.subscribe(b"T", on=False)
        here.shell.expect(b"\x00T")
        wire.subscribe(b"")
        if version != "1.0":
            here.shell.expect(b"\x01")
        here.shell.ok("send -")
        require(wire.recv() == [b""], "wrong last message")


def raw_pub(make, version):
    """Raw PUB to SUB: how subscriptions look, and the filter on this side."""
    with make("SUB") as here:
        here.shell.ok("sub 54")
        wire = here.wire(version, "PUB")
        # A bound SUB meets its publisher inside a call, so it must be in one.
        here.shell.say("recv\n")
        require(wire.read_subscription() == (True, b"T"), "wrong subscription")
        wire.send(b"No", b"no")
        wire.send(b"Tea", pattern(300))
        here.shell.expect(b"Tea", pattern(300), asked=True)
        here.shell.ok("sub *100")
        require(wire.read_subscription() == (True, pattern(100)), "wrong long subscription")
        here.shell.ok("unsub 54")
        require(wire.read_subscription() == (False, b"T"), "wrong end of a subscription")
        wire.send(b"Tea")
        wire.send(pattern(100))
        here.shell.expect(pattern(100))


def raw_dealer(make, version):
    """Raw DEALER with a name of its own to ROUTER, and a REQ without."""
    with make("ROUTER") as here:
        wire = here.wire(version, "DEALER", identity=b"raw")
        wire.send(b"hello", b"", pattern(40))
        here.shell.expect(b"raw", b"hello", b"", pattern(40))
        here.shell.ok(f"send {b'raw'.hex()} 62 *8192 -")
        require(wire.recv() == [b"b", pattern(8192), b""], "wrong answer")


def raw_router(make, version):
    """DEALER with a routing id to raw ROUTER."""
    with make("DEALER", "lib") as here:
        wire = here.wire(version, "ROUTER")
        require(wire.peer_identity == b"lib", f"the identity is {wire.peer_identity!r}")
        if version[0] == "3":
            require(wire.peer_properties.get(b"Socket-Type") == b"DEALER", "wrong type")
        if version == "2.0":
            require(wire.peer_properties[b"Socket-Type"] == TYPE_BYTE["DEALER"], "wrong type")
        here.shell.ok("send 71 - 72")
        require(wire.recv() == [b"q", b"", b"r"], "wrong question")
        wire.send(b"", pattern(65536))
        here.shell.expect(b"", pattern(65536))


def raw_req(make, version):
    """REQ to raw REP, REP to raw REQ is the other way round."""
    with make("REQ") as here:
        wire = here.wire(version, "REP")
        for size in (0, 300):
            here.shell.ok(f"send 71 {'*%d' % size if size else '-'}")
            require(wire.recv() == [b"", b"q", pattern(size)], "wrong request")
            wire.send(b"", b"a", pattern(size))
            here.shell.expect(b"a", pattern(size))


def raw_rep(make, version):
    """Raw REQ to REP, with a two-part return path."""
    with make("REP") as here:
        wire = here.wire(version, "REQ")
        wire.send(b"hop", b"", b"question")
        here.shell.expect(b"question")
        here.shell.ok("send 61")
        require(wire.recv() == [b"hop", b"", b"a"], "wrong answer")


def ping(make, version):
    """A PING is answered with its own context; odd commands are ignored."""
    if version[0] != "3":
        return
    with make("PULL") as here:
        wire = here.wire(version, "PUSH")
        wire.command(b"\x04PING\x00\x00context")
        require(wire.read_command() == (b"PONG", b"context"), "wrong PONG")
        wire.command(b"\x04PING\x00\x00")
        require(wire.read_command() == (b"PONG", b""), "wrong empty PONG")
        wire.command(b"\x07UNKNOWNdata")
        wire.send(b"still here")
        here.shell.expect(b"still here")


def refused(make, version):
    """A peer of the wrong type or mechanism is dropped; the next one is served."""
    if version[0] != "3":
        return
    minor = int(version[2])
    with make("PULL") as here:
        for what, greeting, body in (("type", greeting_3(minor), ready("SUB")),
                                     ("mechanism", greeting_3(minor, b"PLAIN"), None),
                                     ("size", greeting_3(minor),
                                      b"\x05READY\x0bSocket-Type\x7f\xff\xff\xffPUSH")):
            wire = Wire(here.socket(), version, "PUSH")
            wire.write(greeting)
            if body:
                wire.command(body)
            require(wire.closed(), f"a peer with a wrong {what} is kept")
            if here.listener:
                return  # The library need not come again after a wrong answer.
        wire = here.wire(version, "PUSH")
        wire.send(b"right")
        here.shell.expect(b"right")


EXCHANGES = (raw_push, raw_trickle, raw_pull, raw_sub, raw_pub, raw_dealer, raw_router,
             raw_req, raw_rep, ping, refused)


def one(program, lib, exchange, version, binds):
    def make(kind, routing_id=None):
        return Setting(program, lib, kind, binds, routing_id)
    exchange(make, version)


def run(peer_program, libraries, only=""):
    """Runs everything; returns (passed, failed)."""
    program = driver.compile_program(pathlib.Path(peer_program).parent / "shell",
                                     [HERE / "shell.c"], ["-std=c99", "-O2", "-lzmq"])
    passed = failed = 0
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        jobs = {}
        for exchange in EXCHANGES:
            for version in VERSIONS:
                for name, lib in libraries.items():
                    for binds in (True, False):
                        label = (f"{exchange.__name__} {version} {name} "
                                 f"{'binds' if binds else 'connects'}")
                        if only in label:
                            jobs[pool.submit(one, program, lib, exchange, version, binds)] = label
        for job in concurrent.futures.as_completed(jobs):
            try:
                job.result()
                passed += 1
            except (WireError, driver.Failure, OSError) as trouble:
                failed += 1
                print(f"interop {jobs[job]}: FAILED: {trouble}", flush=True)
    print(f"interop: {passed} of {passed + failed} exchanges with raw peers are right")
    return passed, failed


def main(argv):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lib", help="directory of libzmq.so.5 (default: the system's)")
    parser.add_argument("--only", default="")
    parser.add_argument("--build", default=str(driver.ROOT / "build" / "interop"))
    args = parser.parse_args(argv)
    lib = driver.library_dir(args.lib) if args.lib else None
    pathlib.Path(args.build).mkdir(parents=True, exist_ok=True)
    passed, failed = run(pathlib.Path(args.build) / "peer", {"library": lib}, args.only)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
