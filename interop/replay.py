"""Sits between two ends of a connection, and repeats, reorders and damages what they say.

What either end makes of it (its monitor's events, the messages it lets
through) must be the same on every pair of libraries.
"""

import select
import socket
import subprocess
import tempfile
import threading
import time

from run import Failure
from wire import greeting_3

GREETING = 64
UP, DOWN = 0, 1  # client to server, server to client


class Proxy:
    """Passes on one connection at a time, frame by frame."""

    def __init__(self, endpoint):
        self.port = int(endpoint.rsplit(":", 1)[1])
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(20)
        self.endpoint = f"tcp://127.0.0.1:{self.listener.getsockname()[1]}"
        self.thread = None

    def carry(self, hook):
        """Takes the next connection; every frame goes where `hook` says."""
        self.tape = ([], [])
        self.thread = threading.Thread(target=self.work, args=(hook,), daemon=True)
        self.thread.start()

    def work(self, hook):
        until = time.monotonic() + 20
        try:
            client = self.listener.accept()[0]
        except OSError:
            return
        server = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        ends, behind, todo = (client, server), [b"", b""], [GREETING, GREETING]
        try:
            while time.monotonic() < until:
                readable, _, _ = select.select(ends, [], [], 1)
                for sock in readable:
                    way = UP if sock is client else DOWN
                    data = sock.recv(65536)
                    if not data:
                        return
                    early, data = data[:todo[way]], data[todo[way]:]
                    todo[way] -= len(early)
                    ends[1 - way].sendall(early)
                    behind[way] = self.pass_frames(hook, ends, way, behind[way] + data)
        except OSError:
            return
        finally:
            for sock in ends:
                sock.close()

    def pass_frames(self, hook, ends, way, data):
        while True:
            size = frame_size(data)
            if size is None or len(data) < size:
                return data
            frame, data = data[:size], data[size:]
            index = len(self.tape[way])
            self.tape[way].append(frame)
            for where, what in hook(self.tape, way, index, frame):
                ends[1 - where].sendall(what)

    def close(self):
        self.listener.close()
        if self.thread:
            self.thread.join(20)


def frame_size(data):
    """Length of the frame that data begins with, if it tells."""
    if len(data) < 2:
        return None
    if data[0] & 2:
        return 9 + int.from_bytes(data[1:9], "big") if len(data) >= 9 else None
    return 2 + data[1]


def body_of(frame):
    return frame[9:] if frame[0] & 2 else frame[2:]


def frame_of(body, flags=4):
    if len(body) < 256:
        return bytes([flags, len(body)]) + body
    return bytes([flags | 2]) + len(body).to_bytes(8, "big") + body


# ---- what is done to the frames ----

def honest(_tape, way, _index, frame):
    return [(way, frame)]


def at(way, index, change):
    """Sends what `change` makes of the frame with that number."""
    def hook(tape, its_way, its_index, frame):
        if (its_way, its_index) == (way, index):
            return [(way, part) for part in change(tape, frame)]
        return [(its_way, frame)]
    return hook


def flipped(way, index, place):
    """One bit of the body, counted from its end if the place is negative."""
    def change(_tape, frame):
        body = bytearray(body_of(frame))
        body[place] ^= 0x10
        return [frame_of(bytes(body), frame[0] & ~2)]
    return at(way, index, change)


def resized(way, index, by):
    def change(_tape, frame):
        body = body_of(frame)
        return [frame_of(body + bytes(by) if by > 0 else body[:by], frame[0] & ~2)]
    return at(way, index, change)


def instead(way, index, *bodies):
    return at(way, index, lambda _tape, _frame: [frame_of(body) for body in bodies])


def swapped(way, index):
    """The frame goes behind the one that follows it."""
    def hook(tape, its_way, its_index, frame):
        if its_way == way and its_index == index:
            return []
        if its_way == way and its_index == index + 1:
            return [(way, frame), (way, tape[way][index])]
        return [(its_way, frame)]
    return hook


def answered(index, of):
    """The server's frame `index` is answered with the client's frame `of` once more."""
    def hook(tape, way, its_index, frame):
        if (way, its_index) == (DOWN, index):
            return [(UP, tape[UP][of]), (DOWN, frame)]
        return [(way, frame)]
    return hook


def mirrored(way, index):
    """The frame goes back to its sender."""
    def hook(_tape, its_way, its_index, frame):
        return [(1 - way if (its_way, its_index) == (way, index) else its_way, frame)]
    return hook


def old(way, index, recorded):
    """The frame with that number is one of a connection before."""
    return at(way, index, lambda _tape, _frame: [recorded[way][index]])


# ---- the cases: label, hook (of a recorded tape), who says what, how it ends ----
#
# "cut": the handshake fails, and both ends see the end of the connection.
# "server" or "client": that end refuses what comes after the handshake.
# "lives": nothing happens.

NAME, NONCE, TAG, FLAGS = 3, 12, 20, 32
ONE_UP, TWO_UP, ONE_DOWN = ("client", "6f6e65"), ("client", "74776f"), ("server", "7468726565")
READY_PLAIN = b"\x05READY\x0bSocket-Type\0\0\0\x06DEALER\x08Identity\0\0\0\0"


def curve_cases():
    for name, way, index, spots, talk, ends in (
            ("hello", UP, 0, (3, 6, 7, 40, 90, 115, 125, -1), (), "cut"),
            ("welcome", DOWN, 0, (3, 10, 30, -1), (), "cut"),
            ("initiate", UP, 1, (3, 12, 40, 108, 115, 140, 200, -1), (), "cut"),
            ("ready", DOWN, 1, (3, 8, 16, -1), (), "cut"),
            ("message up", UP, 2, (NAME, NONCE, TAG, FLAGS, -1), (ONE_UP,), "server"),
            ("message down", DOWN, 2, (NAME, NONCE, TAG, FLAGS, -1), (ONE_DOWN,), "client")):
        for spot in spots:
            # Padding in HELLO is looked at by nobody.
            yield (f"{name}, bit of byte {spot}", flipped(way, index, spot), talk,
                   "lives" if (name, spot) == ("hello", 40) else ends)
        for by in (-1, 1, -150 if index < 2 else -4):
            yield f"{name}, {by:+} bytes", resized(way, index, by), talk, ends
        yield f"{name} of another connection", (old, way, index), talk, ends
    yield "message twice, up", again(UP, 2), (ONE_UP,), "server"
    yield "message twice, down", again(DOWN, 2), (ONE_DOWN,), "client"
    yield "messages swapped", swapped(UP, 2), (ONE_UP, TWO_UP), "server"
    yield "message lost", at(UP, 2, lambda _tape, _frame: []), (ONE_UP, TWO_UP), "lives"
    yield "message mirrored to the client", mirrored(UP, 2), (ONE_UP,), "client"
    yield "message mirrored to the server", mirrored(DOWN, 2), (ONE_DOWN,), "server"
    yield "hello again for initiate", at(UP, 1, lambda tape, _: [tape[UP][0]]), (), "cut"
    yield "initiate for hello", instead(UP, 0, b"\x08INITIATE" + bytes(300)), (), "cut"
    yield "initiate again", answered(1, 1), (), "server"
    yield "hello again after ready", answered(1, 0), (), "server"
    yield "plain text behind the handshake", answered_plain, (), "server"
    for status in ("300", "400", "500", "999"):
        for index, name in enumerate(("welcome", "ready")):
            yield (f"forged error {status} for {name}",
                   instead(DOWN, index, b"\x05ERROR\x03" + status.encode()), (), "cut")


def again(way, index):
    return at(way, index, lambda _tape, frame: [frame, frame])


def answered_plain(_tape, way, index, frame):
    """A message that nobody encrypted, as soon as the server takes messages."""
    if (way, index) == (DOWN, 1):
        return [(UP, frame_of(b"in the clear", 0)), (DOWN, frame)]
    return [(way, frame)]


def plain_cases():
    hello, initiate = b"\x05HELLO\x05admin\x06secret", b"\x08INITIATE"
    yield "plain, initiate for hello", instead(UP, 0, initiate), (), "cut"
    yield "plain, hello for initiate", instead(UP, 1, hello), (), "cut"
    yield "plain, ready for welcome", instead(DOWN, 0, READY_PLAIN), (), "cut"
    yield "plain, welcome for ready", instead(DOWN, 1, b"\x07WELCOME"), (), "cut"
    yield "plain, long welcome", instead(DOWN, 0, b"\x07WELCOME\0"), (), "cut"
    for by in (-1, 1):
        for name, way, index, ends in (("hello", UP, 0, "cut"), ("initiate", UP, 1, "cut"),
                                       ("ready", DOWN, 1, "client")):
            yield f"plain, {name}, {by:+} bytes", resized(way, index, by), (), ends
    # As libzmq 4.3 writes and reads it.
    for error in ("\x03400", "\x03999", "\x04400", ""):
        for index in (0, 1):
            yield (f"plain, forged error {error!r} at {index}",
                   instead(DOWN, index, b"\x5eRROR" + error.encode()), (), "cut")


# ---- how they are run ----

def run_case(make, ends, case, scratch):
    """Returns what both ends said; `make` starts one."""
    _, hook, talk, outcome = case
    nodes, proxy = [], None
    try:
        server = make(0, scratch, "bind", "tcp://127.0.0.1:*", ends[0])
        nodes.append(server)
        proxy = Proxy(server.endpoint)
        recorded = None
        if isinstance(hook, tuple):
            proxy.carry(honest)
            first = make(1, scratch, "connect", proxy.endpoint, ends[1])
            nodes.append(first)
            for node, (_, said) in zip((first, server), (("", "6f6e65"), ("", "7468726565"))):
                node.until("event HANDSHAKE_SUCCEEDED")
                node.do(f"send {said}")
            for node in (first, server):
                node.do("recv")
                node.until("recv")
            first.close()
            server.until("event DISCONNECTED")
            proxy.thread.join(20)
            recorded = proxy.tape
            hook = hook[0](hook[1], hook[2], recorded)
        proxy.carry(hook)
        client = make(1, scratch, "connect", proxy.endpoint, ends[1])
        nodes.append(client)
        converse(server, client, talk, outcome, 2 if recorded else 1)
        stories = [server.story(), client.story()]
        if outcome in ("server", "client"):
            settle(stories)
        return stories
    finally:
        for node in nodes:
            node.end()
        if proxy:
            proxy.close()


def settle(stories):
    """Takes out what libzmq 4.3 does or not: it may neither close a connection
    with a damaged message, nor hand on the good one in front of it."""
    for events, _, said in stories:
        events[:] = [event for event in events if event != "event DISCONNECTED"]
        messages = [line.split(" ")[1] for line in said if not line.startswith("recv nothing")]
        if len(set(messages)) != len(messages) or not {"6f6e65", "74776f", "7468726565"}.issuperset(
                messages):
            raise Failure(f"let through: {messages}")
        said[:] = [len(messages) < 2]


def converse(server, client, talk, outcome, which):
    """`which` connection of the server it is."""
    who = {"server": server, "client": client}
    if talk or outcome != "cut":
        server.until("event HANDSHAKE_SUCCEEDED", which)
    if talk or outcome in ("lives", "server"):
        client.until("event HANDSHAKE_SUCCEEDED")
    for name, text in talk:
        who[name].do(f"send {text}")
    if outcome == "lives":
        if talk:
            server.do("recv")
            server.until("recv")
        client.close()
        server.until("event DISCONNECTED", which)
        return server.close()
    if outcome != "cut":
        who[outcome].until("event FAILED_PROTOCOL")
    if outcome == "cut" or who[outcome].ours:
        server.until("event DISCONNECTED", which)
        client.until("event DISCONNECTED")
    for node in (server, client):
        node.do("look")
        node.do("look")
        node.until("recv nothing")
    client.close()
    return server.close()


def raw_replay(make, ends, scratch, frames, pause):
    """A stranger says what a client said before; returns the server's story."""
    server = make(0, scratch, "bind", "tcp://127.0.0.1:*", ends[0])
    nodes, proxy = [server], Proxy(server.endpoint)
    try:
        proxy.carry(honest)
        client = make(1, scratch, "connect", proxy.endpoint, ends[1])
        nodes.append(client)
        client.do("send 6f6e65")
        server.do("recv")
        server.until("recv")
        client.close()
        server.until("event DISCONNECTED")
        proxy.thread.join(20)
        said = [proxy.tape[UP][i] for i in frames]
        with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as sock:
            sock.sendall(greeting_3(1, b"CURVE"))
            if not pause:
                sock.sendall(b"".join(said))
            for frame in said if pause else ():
                sock.sendall(frame)
                # The answer to a HELLO; then nothing more comes.
                if frame is said[0]:
                    read_exactly(sock, GREETING + 170)
            while True:
                try:
                    if not sock.recv(4096):
                        break
                except ConnectionError:
                    break
            server.until("event DISCONNECTED", 2)
        server.do("look")
        server.until("recv nothing")
        server.close()
        story = server.story()
        if not pause:
            # libzmq 4.3 takes a command that comes too soon for a wrong one.
            story[0][-2] = story[0][-2][:21]
        return [story]
    finally:
        for node in nodes:
            node.end()
        proxy.close()


def read_exactly(sock, size):
    while size:
        data = sock.recv(size)
        if not data:
            raise Failure("closed too early")
        size -= len(data)


RAW = [(f"frames {frames} of another connection, {'one by one' if pause else 'at once'}",
        frames, pause)
       for frames in ((0, 1), (0, 1, 2), (1,), (2,), (0, 2)) for pause in (False, True)
       if frames[0] == 0 or not pause]


def jobs(curve, plain):
    """(label, ends, case or raw frames), all of them."""
    for case in curve_cases():
        yield f"curve, {case[0]}", curve, case, False
    for case in plain_cases():
        yield case[0], plain, case, False
    for case in RAW:
        yield f"curve, {case[0]}", curve, case, True


def compare(start, label, ends, case, raw, libs):
    """Runs one on all pairs of libraries; returns (passed, complaints).

    `start` makes a node: library, folder, verb, endpoint, arguments.
    """
    def once(pair):
        def make(end, *how):
            return start(pair[end], *how)
        with tempfile.TemporaryDirectory(prefix="replay-") as scratch:
            if raw:
                return raw_replay(make, ends, scratch, *case[1:])
            return run_case(make, ends, case, scratch)
    ours, other = libs
    told = once((other, other))
    passed, complaints = 0, []
    for names, pair in (("ours, other", (ours, other)), ("other, ours", (other, ours)),
                        ("ours, ours", (ours, ours))):
        try:
            got = once(pair)
            if got != told:
                raise Failure(f"\n  reference {told}\n  here      {got}")
            passed += 1
        except (Failure, OSError, subprocess.TimeoutExpired) as trouble:
            complaints.append(f"{label}: {names}: {trouble}")
    return passed, complaints
