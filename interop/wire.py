"""ZMTP 1.0, 2.0, 3.0 and 3.1 over a plain socket, as much as a test peer needs."""

import socket
import struct

TYPE_BYTE = {"PAIR": 0, "PUB": 1, "SUB": 2, "REQ": 3, "REP": 4, "DEALER": 5, "ROUTER": 6,
             "PULL": 7, "PUSH": 8, "XPUB": 9, "XSUB": 10}
VERSIONS = ("1.0", "2.0", "3.0", "3.1")


class WireError(Exception):
    """The other side did not do what the protocol says."""


def pattern(size):
    """The bytes that shell.c calls "*size"."""
    return bytes((i * 31 + (i >> 8)) & 0xff for i in range(size))


def greeting_3(minor, mechanism=b"NULL"):
    return (b"\xff" + bytes(8) + b"\x7f\x03" + bytes([minor]) + mechanism.ljust(20, b"\0")
            + bytes(32))


def ready(kind, identity=b"", extra=b""):
    body = b"\x05READY" + property_bytes(b"Socket-Type", kind.encode())
    if kind in ("REQ", "DEALER", "ROUTER"):
        body += property_bytes(b"Identity", identity)
    return body + extra


def property_bytes(name, value):
    return bytes([len(name)]) + name + struct.pack(">I", len(value)) + value


class Wire:
    """One connection, spoken in one version of the protocol."""

    def __init__(self, sock, version, kind, identity=b"", trickle=False):
        self.sock, self.version, self.kind = sock, version, kind
        self.identity, self.trickle = identity, trickle
        self.peer_properties, self.peer_identity, self.commands = {}, None, []
        sock.settimeout(10)

    def write(self, data):
        if self.trickle:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for i in range(len(data)):
                self.sock.sendall(data[i:i + 1])
        else:
            self.sock.sendall(data)

    def read(self, size):
        data = b""
        while len(data) < size:
            try:
                more = self.sock.recv(size - len(data))
            except OSError as error:
                raise WireError(f"reading failed: {error}") from None
            if not more:
                raise WireError("closed by the library")
            data += more
        return data

    def closed(self):
        """True if the library ends the connection, whatever it says before."""
        try:
            while self.sock.recv(4096):
                pass
            return True
        except ConnectionError:
            return True
        except OSError:
            return False

    # ---- the handshake ----

    def handshake(self):
        if self.version == "1.0":
            self.handshake_1()
        elif self.version == "2.0":
            self.handshake_2()
        else:
            self.handshake_3()
        return self

    def handshake_1(self):
        self.write(self.frame(self.identity, False))
        head = self.read(10)
        if head[0] != 0xff or head[9] != 0x7f:
            raise WireError(f"wrong start {head.hex()}")
        # To a peer this old the start is the head of a long identity frame.
        self.peer_identity = self.read(struct.unpack(">Q", head[1:9])[0] - 1)

    def handshake_2(self):
        self.write(b"\xff" + bytes(8) + b"\x7f\x01" + bytes([TYPE_BYTE[self.kind]]))
        head = self.read(12)
        if head[0] != 0xff or head[9] != 0x7f or head[10] != 3:
            raise WireError(f"wrong greeting {head.hex()}")
        self.peer_properties[b"Socket-Type"] = head[11]
        self.write(self.frame(self.identity, False))
        self.peer_identity, more = self.read_frame()
        if more:
            raise WireError("an identity with more to follow")

    def handshake_3(self):
        self.write(greeting_3(int(self.version[2])))
        head = self.read(64)
        if head[:1] != b"\xff" or head[9:12] != b"\x7f\x03\x01":
            raise WireError(f"wrong greeting {head.hex()}")
        if head[12:32] != b"NULL".ljust(20, b"\0") or any(head[32:]):
            raise WireError(f"wrong mechanism {head.hex()}")
        self.command(ready(self.kind, self.identity))
        name, body = self.read_command()
        if name != b"READY":
            raise WireError(f"{name} instead of READY")
        while body:
            n = body[0]
            size = struct.unpack(">I", body[n + 1:n + 5])[0]
            self.peer_properties[body[1:n + 1]] = body[n + 5:n + 5 + size]
            body = body[n + 5 + size:]
        self.peer_identity = self.peer_properties.get(b"Identity", b"")

    # ---- frames ----

    def frame(self, body, more):
        if self.version == "1.0":
            if len(body) + 1 < 255:
                return bytes([len(body) + 1, int(more)]) + body
            return b"\xff" + struct.pack(">Q", len(body) + 1) + bytes([int(more)]) + body
        if len(body) < 256:
            return bytes([int(more), len(body)]) + body
        return bytes([2 | int(more)]) + struct.pack(">Q", len(body)) + body

    def command(self, body):
        if len(body) < 256:
            self.write(bytes([4, len(body)]) + body)
        else:
            self.write(b"\x06" + struct.pack(">Q", len(body)) + body)

    def read_frame(self):
        """Returns (body, more) of the next message frame; keeps commands aside."""
        while True:
            if self.version == "1.0":
                size = self.read(1)[0]
                if size == 255:
                    size = struct.unpack(">Q", self.read(8))[0]
                if size == 0:
                    raise WireError("a frame of length 0")
                flags = self.read(1)[0]
                return self.read(size - 1), bool(flags & 1)
            flags, body = self.read_any()
            if not flags & 4:
                return body, bool(flags & 1)
            n = body[0]
            self.commands.append((body[1:n + 1], body[n + 1:]))

    def read_any(self):
        flags = self.read(1)[0]
        if flags & ~7:
            raise WireError(f"unknown flags {flags:02x}")
        size = struct.unpack(">Q", self.read(8))[0] if flags & 2 else self.read(1)[0]
        if flags & 2 and size < 256:
            raise WireError("the long form for a short frame")
        return flags, self.read(size)

    def read_command(self):
        if self.commands:
            return self.commands.pop(0)
        flags, body = self.read_any()
        if not flags & 4:
            raise WireError(f"a message where a command is due: {body[:40]!r}")
        return body[1:body[0] + 1], body[body[0] + 1:]

    # ---- messages ----

    def send(self, *parts):
        self.write(b"".join(self.frame(part, i + 1 < len(parts))
                            for i, part in enumerate(parts)))

    def recv(self):
        parts, more = [], True
        while more:
            body, more = self.read_frame()
            parts.append(body)
        return parts

    def subscribe(self, topic, on=True):
        if self.version == "3.1":
            self.command((b"\x09SUBSCRIBE" if on else b"\x06CANCEL") + topic)
        else:
            self.send((b"\x01" if on else b"\x00") + topic)

    def read_subscription(self):
        """Returns (on, topic) as the library sends it in this version."""
        if self.version == "3.1":
            name, topic = self.read_command()
            if name not in (b"SUBSCRIBE", b"CANCEL"):
                raise WireError(f"{name} instead of SUBSCRIBE")
            return name == b"SUBSCRIBE", topic
        body, more = self.read_frame()
        if more or body[:1] not in (b"\0", b"\1"):
            raise WireError(f"no subscription: {body[:40]!r}")
        return body[:1] == b"\1", body[1:]
