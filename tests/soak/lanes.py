"""Who plays with whom: a lane is one pattern over one transport, with its troubles."""

import dataclasses
import pathlib
import socket

# Messages a queue holds, each side.
HWM = 200


@dataclasses.dataclass
class Player:
    """A process: its parts, where it runs, and whether it is killed at times."""

    name: str
    side: str  # a namespace
    parts: list
    is_killed: bool = False


@dataclasses.dataclass(eq=False)
class Lane:
    name: str
    pattern: str
    players: list
    # Ledgers by what their parts do: "sends", "receives" and so on; see judge.py.
    ledgers: dict


class Plan:
    """Makes lanes, with an endpoint each."""

    def __init__(self, folder, rate):
        self.folder, self.rate, self.port = pathlib.Path(folder), rate, 5600
        self.lanes = []

    def endpoints(self, name, transport):
        """(the namespace of who binds, where, the other's, where to)."""
        self.port += 2
        if transport in ("link", "storm"):
            from hosts import RIGHT
            return (f"{transport}-right", f"tcp://*:{self.port}",
                    f"{transport}-left", f"tcp://{RIGHT}:{self.port}")
        text = {"tcp": f"tcp://127.0.0.1:{self.port}", "inproc": f"inproc://{name}",
                "ipc": f"ipc://{self.folder}/{name}"}
        if transport == "tipc":
            return "link-left", f"tipc://{{{self.port},0,0}}", "link-left", f"tipc://{{{self.port},0}}"
        return "link-left", text[transport], "link-left", text[transport]

    def add(self, pattern, transport, roles, **extra):
        """A lane. A role is (kind, binds, what its ledger is for, is killed, options).

        Over inproc all are one process, which is not killed.
        """
        name = "-".join([pattern, transport, *(key for key in extra)])
        bind_side, bind_at, side, at = self.endpoints(name, transport)
        players, ledgers = [], {}
        for number, (kind, binds, use, is_killed, more) in enumerate(roles):
            ledger = self.folder / f"{name}-{number}-{kind}"
            ledgers.setdefault(use, []).append(ledger)
            options = {"at": bind_at if binds else at, "bind": int(binds), "ledger": ledger,
                       "rate": self.rate, "hwm": HWM, "heartbeat": int(transport == "storm"),
                       "source": number % 8, "seed": self.port, **extra, **more}
            text = " ".join([kind, *(f"{key}={value}" for key, value in options.items())])
            where = bind_side if binds else side
            if transport == "inproc" and players:
                players[0].parts.append(text)
            else:
                killed = is_killed and transport not in ("inproc", "link", "storm")
                players.append(Player(f"{name} {kind} {number}", where, [text], killed))
        self.lanes.append(Lane(name, pattern, players, ledgers))

    def push(self, transport, **extra):
        puller = {"slow": 300} if transport in ("inproc", "ipc") else {}
        self.add("push", transport, [
            ("pull", True, "receives", True, puller),
            ("push", False, "sends", False, {}),
            ("push", False, "sends", True, {}),
            ("push", False, "sends", False, {"length": 60000})], **extra)

    def share(self, transport, **extra):
        common = {"common": self.folder / f"share-{transport}-common"}
        self.add("share", transport, [
            ("push", True, "sends", False, {"length": 1 << 40, "rate": 3 * self.rate}),
            ("pull", False, "shares", False, {**common, "slow": 2000}),
            ("pull", False, "shares", True, common),
            ("pull", False, "shares", False, common)], **extra)

    def pair(self, transport, **extra):
        self.add("pair", transport, [
            ("pair", True, "talks", False, {}), ("pair", False, "talks", False, {})], **extra)

    def ask(self, pattern, transport, **extra):
        client, server = {"req": ("req", "rep"), "dealer": ("dealer", "router")}[pattern]
        watch = {"watch": 1}
        self.add(pattern, transport, [
            (server, True, "serves", True, {}),
            (client, False, "asks", False, watch),
            (client, False, "asks", True, watch),
            (client, False, "asks", False, {**watch, "length": 300})], **extra)

    def publish(self, transport, **extra):
        # Over inproc nobody connects again to a name that comes back.
        lasts = {"length": 1 << 40} if transport == "inproc" else {}
        self.add("pub", transport, [
            ("pub", True, "publishes", True, lasts),
            ("sub", False, "hears", False, {}),
            ("sub", False, "hears", True, {}),
            ("sub", False, "hears", False, {"slow": 8000})], **extra)

    def lossless(self, transport, **extra):
        whole = {"lossless": 1, "length": 1 << 40}
        self.add("nodrop", transport, [
            ("pub", True, "publishes", False, whole),
            ("sub", False, "hears all", False, whole),
            ("sub", False, "hears all", False, {**whole, "slow": 500})], **extra)

    def proxied(self, transport, **extra):
        """PUB, a proxy, SUB: nothing is dropped on the way."""
        self.port += 2
        to = {"ipc": f"ipc://{self.folder}/proxy-out", "tcp": f"tcp://127.0.0.1:{self.port}"}[transport]
        whole = {"lossless": 1, "length": 1 << 40}
        self.add("proxy", transport, [
            ("pub", True, "publishes", False, whole),
            ("proxy", False, "forwards", False, {"lossless": 1, "to": to}),
            ("sub", False, "hears all", False, {**whole, "at": to}),
            ("sub", False, "hears all", False, {**whole, "at": to, "slow": 500})], **extra)

    def stream(self, transport, **extra):
        self.add("stream", transport, [
            ("server", True, "echoes", False, {}),
            ("client", False, "streams", False, {}),
            ("client", False, "streams", True, {})], **extra)


def has_tipc():
    try:
        socket.socket(socket.AF_TIPC, socket.SOCK_STREAM).close()
        return True
    except (OSError, AttributeError):
        return False


def plan(folder, rate):
    """All lanes. `link` is a cable with short cuts, `storm` one with long ones."""
    it = Plan(folder, rate)
    for transport in ("tcp", "ipc", "inproc", "link"):
        it.push(transport)
        it.pair(transport)
    for transport in ("tcp", "ipc", "inproc", "link", "storm"):
        it.ask("req", transport)
        it.ask("dealer", transport)
    for transport in ("tcp", "ipc", "inproc", "storm"):
        it.publish(transport)
    for transport in ("tcp", "ipc"):
        it.share(transport)
        it.proxied(transport)
    for transport in ("tcp", "inproc"):
        it.lossless(transport)
    it.stream("tcp")
    it.stream("link")
    it.push("tcp", curve=1)
    it.publish("tcp", curve=1)
    it.ask("dealer", "tcp", curve=1)
    it.ask("req", "storm", curve=1)
    if has_tipc():
        it.push("tipc")
        it.ask("dealer", "tipc")
        it.publish("tipc")
    return it.lanes
