"""What two hosts do to each other while the cable between them comes and goes.

Each case is a function of a Stage. Its docstring's first line is its label; it
raises Failure. `OURS_ONLY` are the cases that libzmq is known not to survive.
"""

import errno
import signal
import time

from hosts import (FAR_LEFT, LEFT, NOBODY, PATIENCE, RIGHT, RIGHT6, Failure, now)

PAIR, PUB, SUB, REQ, REP, DEALER, ROUTER, PULL, PUSH = range(9)
OPTION = {"TCP_KEEPALIVE": 34, "TCP_KEEPALIVE_CNT": 35, "TCP_KEEPALIVE_IDLE": 36,
          "TCP_KEEPALIVE_INTVL": 37, "IMMEDIATE": 39, "LINGER": 17, "RECONNECT_IVL": 18,
          "RECONNECT_IVL_MAX": 21, "SNDHWM": 23, "RCVHWM": 24, "SNDTIMEO": 28, "IPV6": 42,
          "HANDSHAKE_IVL": 66, "HEARTBEAT_IVL": 75, "HEARTBEAT_TTL": 76,
          "HEARTBEAT_TIMEOUT": 77, "CONNECT_TIMEOUT": 79, "TCP_MAXRT": 80, "BINDTODEVICE": 92}
# How late a process on a busy machine may notice something, in milliseconds.
LATE = 1000
# How early a timer in whole milliseconds may seem to end.
EARLY = 3
SERVER = f"tcp://{RIGHT}:5555"


def check(right, what):
    if not right:
        raise Failure(what)


def check_between(value, least, most, what):
    check(least <= value <= most, f"{what}: {value:.0f} ms, not {least:.0f} to {most:.0f}")


def check_pauses(events, began, pauses):
    """Whether each event came the pause before it after the last, in milliseconds.

    An event may be heard late on a busy machine, so the pauses must not be
    short when they are added up, and none may be long.
    """
    least, last = began, began
    for number, (event, pause) in enumerate(zip(events, [0, *pauses])):
        least += pause
        check_between(event.when - began, least - began - EARLY, 1e9, f"number {number}")
        check_between(event.when - last, 0, pause + LATE, f"since the one before {number}")
        last = event.when


class Stage:
    """A net, and hosts on the library under test."""

    def __init__(self, net, program, lib_dir, is_ours):
        self.net, self.program, self.lib_dir, self.is_ours = net, program, lib_dir, is_ours

    def host(self, side, kind, **options):
        host = self.net.host(side, self.program, self.lib_dir)
        host.ask("socket", kind)
        options.setdefault("RECONNECT_IVL", 50)
        for name, value in options.items():
            host.ask("str" if isinstance(value, str) else "int", OPTION[name], value)
        return host

    def pair(self, left, right, both=None, left_options=None, right_options=None,
             bind="tcp://*:5555", connect=SERVER):
        """A client on the left and a server on the right, past their handshake."""
        server = self.host("right", right, **(both or {}), **(right_options or {}))
        server.ask("bind", bind)
        client = self.host("left", left, **(both or {}), **(left_options or {}))
        client.ask("connect", connect)
        for host in (client, server):
            host.wait("HANDSHAKE_SUCCEEDED")
        return client, server


def text_of(received):
    return received.split(" ")[0]


# ---- addresses ---------------------------------------------------------------


def far_away(stage):
    """messages of all sizes travel both ways between two hosts"""
    client, server = stage.pair(DEALER, DEALER)
    for size, count in ((20, 2000), (3000, 500), (300000, 20)):
        for one, other in ((client, server), (server, client)):
            other.tell("recvn", 0, count, size)
            one.ask("sendn", 0, count, size)
            got = other.expect_ok()
            check(int(got) == count, f"{got} of {count} messages of {size} bytes")
    server.ask("send", "whence")
    check(client.ask("recv", 5000).split(" ")[1:] == [RIGHT, "5555"], "not from the server")


def source_address(stage):
    """a source address in connect is what the server sees"""
    server = stage.host("right", PULL)
    server.ask("bind", "tcp://*:5555")
    wanted = [(f"{FAR_LEFT}:0", FAR_LEFT, None), (f"{LEFT}:0", LEFT, None),
              ("left:0", LEFT, None), (f"{FAR_LEFT}:7001", FAR_LEFT, "7001")]
    for source, address, port in wanted:
        client = stage.host("left", PUSH)
        client.ask("connect", f"tcp://{source};{RIGHT}:5555")
        client.ask("send", "x")
        _, seen, seen_port = server.ask("recv", 8000).split(" ")
        check(seen == address, f"{source}: came from {seen}")
        check(port in (None, seen_port), f"{source}: came from port {seen_port}")
    # An address that is not of this host, and one source port to two servers.
    lost = stage.host("left", PUSH)
    lost.ask("connect", f"tcp://{NOBODY}:0;{RIGHT}:5555")
    lost.wait("CONNECT_RETRIED", count=3)
    check(not lost.seen("CONNECTED"), "connected from a foreign address")
    server.ask("bind", "tcp://*:5556")
    both = stage.host("left", PUSH)
    for port in (5555, 5556):
        both.ask("connect", f"tcp://{LEFT}:7002;{RIGHT}:{port}")
    both.wait("HANDSHAKE_SUCCEEDED", count=2)


def interface_name(stage):
    """binding to the name of an interface binds to its address"""
    server = stage.host("right", PULL)
    server.ask("bind", "tcp://right:5555")
    check(server.ask("last") == SERVER, f"bound to {server.ask('last')}")
    client = stage.host("left", PUSH)
    client.ask("connect", SERVER)
    client.ask("send", "x")
    check(text_of(server.ask("recv", 5000)) == "x", "nothing came")
    local = stage.host("right", PUSH)
    local.ask("connect", "tcp://127.0.0.1:5555")
    local.wait("CONNECT_RETRIED", count=3)
    check(not local.seen("CONNECTED"), "reachable at another address")
    code = server.refused("bind", "tcp://wrong:5556")
    # Here libzmq's errno is what its event to the monitor left behind.
    check(code == errno.ENODEV or code and not stage.is_ours,
          f"errno {code} for an interface that is not there")


def device(stage):
    """BINDTODEVICE keeps a listener and a connection to one interface"""
    server = stage.host("right", PULL, BINDTODEVICE="right")
    server.ask("bind", "tcp://*:5555")
    local = stage.host("right", PUSH)
    local.ask("connect", "tcp://127.0.0.1:5555")
    client = stage.host("left", PUSH, BINDTODEVICE="left")
    client.ask("connect", SERVER)
    client.ask("send", "x")
    check(text_of(server.ask("recv", 5000)) == "x", "nothing came")
    stray = stage.host("left", PUSH, BINDTODEVICE="lo", CONNECT_TIMEOUT=100)
    stray.ask("connect", SERVER)
    for host in (local, stray):
        host.wait("CONNECT_RETRIED", count=3)
        check(not host.seen("CONNECTED"), f"{host.side}: connected past the device")


def wrong_device(stage):
    """BINDTODEVICE with a device that is not there fails, and no more"""
    host = stage.host("right", PULL, BINDTODEVICE="wrong")
    check(host.refused("bind", "tcp://*:5555") == errno.ENODEV, "no ENODEV")
    host.ask("connect", f"tcp://{LEFT}:5555")
    host.wait("CONNECT_RETRIED", count=3)


def ipv6(stage):
    """IPv6, also by link-local addresses, next to IPv4"""
    if not stage.net.add_ipv6():
        return "no IPv6 here"
    server = stage.host("right", PULL, IPV6=1)
    server.ask("bind", "tcp://*:5555")
    wanted = [(f"[{RIGHT6}]", "fd77::1"), ("[fe80::2%left]", "fe80::1"), (RIGHT, LEFT)]
    for host, address in wanted:
        client = stage.host("left", PUSH, IPV6=1)
        client.ask("connect", f"tcp://{host}:5555")
        client.ask("send", "x")
        seen = server.ask("recv", 8000).split(" ")[1]
        check(seen.replace("::ffff:", "").split("%")[0] == address, f"{host}: came from {seen}")
    return None


# ---- a cut that nobody may notice, and those that are noticed -----------------


def short_cut(stage):
    """a short cut in the middle of a stream loses and reorders nothing"""
    client, server = stage.pair(PUSH, PULL)
    client.tell("sendn", 0, 6000, 10000)  # more than all the buffers between hold
    for number, side in enumerate(("right", "left")):
        got = server.ask("recvn", 2000 * number, 2000, 10000)
        check(got == "2000", f"{got} messages in order before the cut of {side}")
        stage.net.cut(side)
        time.sleep(0.1)
        stage.net.heal(side)
    got = server.ask("recvn", 4000, 2000, 10000)
    check(got == "2000", f"{got} messages in order after the cuts")
    client.expect_ok()
    for host in (client, server):
        check(not host.seen("DISCONNECTED"), f"{host.side}: the connection did not survive")


def heartbeat(stage):
    """heartbeats notice a cut in time, and all flows again when it heals"""
    beats = {"HEARTBEAT_IVL": 100, "HEARTBEAT_TIMEOUT": 250, "CONNECT_TIMEOUT": 200}
    client, server = stage.pair(DEALER, DEALER, both=beats)
    since = 0.0
    for side in ("right", "left"):
        began, ended = stage.net.cut(side)
        for host in (client, server):
            lost = host.wait("DISCONNECTED", since)
            check(lost.when >= began, f"{host.side}: lost before the cut of {side}")
            check_between(lost.when - began, 250 - EARLY, ended - began + 350 + LATE,
                          f"{host.side} noticed the cut of {side}")
        client.ask("send", "kept")
        since = stage.net.heal(side)
        for host in (client, server):
            host.wait("HANDSHAKE_SUCCEEDED", since)
        check(text_of(server.ask("recv", 5000)) == "kept", "the message that waited")
        server.ask("send", "back")
        check(text_of(client.ask("recv", 5000)) == "back", "the answer")
    for host in (client, server):
        check(len(host.seen("DISCONNECTED")) == 2, f"{host.side}: {host.events}")


def heartbeat_alive(stage):
    """heartbeats keep quiet connections and busy ones"""
    beats = {"HEARTBEAT_IVL": 50, "HEARTBEAT_TIMEOUT": 400, "HEARTBEAT_TTL": 500}
    client, server = stage.pair(PUSH, PULL, both=beats)
    until = now() + 1000
    while now() < until:
        check(server.refused("recv", 100) == errno.EAGAIN, "a message from nowhere")
    server.tell("recvn", 0, 20000, 1000)
    client.ask("sendn", 0, 20000, 1000)
    check(server.expect_ok() == "20000", "messages were lost")
    for host in (client, server):
        check(not host.seen("DISCONNECTED"), f"{host.side} gave a living peer up")


def heartbeat_full(stage):
    """heartbeats do not give up a peer because the application is slow to read"""
    limits = {"HEARTBEAT_IVL": 50, "HEARTBEAT_TIMEOUT": 150, "SNDHWM": 10, "RCVHWM": 10}
    client, server = stage.pair(PUSH, PULL, both=limits, left_options={"SNDTIMEO": 20000})
    client.tell("sendn", 0, 3000, 10000)  # more than all the buffers between hold
    time.sleep(0.8)
    check(not server.seen("DISCONNECTED"), "the receiver gave the sender up")
    server.tell("recvn", 0, 3000, 10000)
    got = server.expect_ok()
    check(got == "3000", f"{got} of 3000 in order")
    client.expect_ok()


def stopped(stage):
    """a process that stood still gives nobody up whose bytes are waiting"""
    client, _ = stage.pair(PULL, PUSH, right_options={
        "HEARTBEAT_IVL": 50, "HEARTBEAT_TTL": 300, "HEARTBEAT_TIMEOUT": 9000})
    check(client.refused("recv", 200) == errno.EAGAIN, "a message from nowhere")
    client.process.send_signal(signal.SIGSTOP)
    time.sleep(0.6)
    client.process.send_signal(signal.SIGCONT)
    check(client.refused("recv", 200) == errno.EAGAIN, "a message from nowhere")
    check(not client.seen("DISCONNECTED"), "the peer was given up")


def time_to_live(stage):
    """a peer's HEARTBEAT_TTL makes the other side notice a cut"""
    client, server = stage.pair(PUSH, PULL, left_options={
        "HEARTBEAT_IVL": 100, "HEARTBEAT_TTL": 400, "HEARTBEAT_TIMEOUT": 5000})
    # The time is known from the first PING on.
    check(server.refused("recv", 350) == errno.EAGAIN, "a message from nowhere")
    began, ended = stage.net.cut()
    lost = server.wait("DISCONNECTED")
    # The watch was last set anew by a PING an interval or so before the cut.
    check_between(lost.when - began, 100, ended - began + 400 + LATE, "noticed")
    check(not client.seen("DISCONNECTED"), "the client waits longer")


def keepalive(stage):
    """TCP keep-alive is set as asked for, and notices a cut"""
    wanted = {"TCP_KEEPALIVE": 1, "TCP_KEEPALIVE_IDLE": 1, "TCP_KEEPALIVE_INTVL": 1,
              "TCP_KEEPALIVE_CNT": 2, "TCP_MAXRT": 2500}
    client, server = stage.pair(DEALER, DEALER, both=wanted)
    for one, other in ((client, server), (server, client)):
        one.ask("send", "x")
        other.ask("recv", 5000)
        seen = other.ask("keepalive")
        check(seen == "1 1 1 2 2500", f"{other.side}: the kernel has {seen}")
        timers = stage.net.inside(other.side, "ss", "-H", "-t", "-n", "-o", "state", "established")
        check("timer:(keepalive," in timers, f"{other.side}: ss shows {timers}")
    began, ended = stage.net.cut()
    for host in (client, server):
        lost = host.wait("DISCONNECTED")
        check_between(lost.when - began, 1000, ended - began + 4000 + LATE, f"{host.side} noticed")


def max_retransmission(stage):
    """TCP_MAXRT ends a connection whose bytes are not acknowledged"""
    client, server = stage.pair(DEALER, DEALER, left_options={"TCP_MAXRT": 600})
    client.ask("send", "x")
    server.ask("recv", 5000)
    began, ended = stage.net.cut()
    client.ask("send", "unheard")
    server.ask("send", "unheard")
    lost = client.wait("DISCONNECTED")
    # The kernel looks when it retransmits: after 0.2, 0.6 and 1.4 s or so.
    check_between(lost.when - began, 500, ended - began + 2000 + LATE, "noticed")
    check(not server.seen("DISCONNECTED"), "the other side has no such limit")


# ---- connecting ---------------------------------------------------------------


def backoff(stage):
    """RECONNECT_IVL_MAX doubles the pauses up to itself, anew after a success"""
    client = stage.host("left", DEALER, RECONNECT_IVL=40, RECONNECT_IVL_MAX=320)
    ends = now()
    client.ask("connect", SERVER)
    for _ in range(2):
        client.wait("CONNECT_RETRIED", ends, count=6)
        tries = client.seen("CONNECT_RETRIED", ends)[:6]
        for step, retry in enumerate(tries):
            # Debian's libzmq adds up to one interval at random.
            pause = min(40 << step, 320)
            check_between(retry.value, pause, pause + 39, f"pause {step}")
        check_pauses(tries, ends, [retry.value for retry in tries])
        server = stage.host("right", DEALER)
        server.ask("bind", "tcp://*:5555")
        client.wait("HANDSHAKE_SUCCEEDED", ends)
        ends = now()
        server.ask("close")
        client.wait("DISCONNECTED", ends)
    check(len(client.seen("CONNECTED")) == 2, f"{client.events}")


def jitter(stage):
    """RECONNECT_IVL alone makes pauses of one to two intervals"""
    client = stage.host("left", DEALER, RECONNECT_IVL=60)
    began = now()
    client.ask("connect", SERVER)
    client.wait("CONNECT_RETRIED", count=10)
    tries = client.seen("CONNECT_RETRIED")[:10]
    for retry in tries:
        check_between(retry.value, 60, 119, "pause")
    check_pauses(tries, began, [retry.value for retry in tries])
    check(len({a.value for a in tries}) > 1, "the pauses are all the same")


def connect_timeout(stage):
    """CONNECT_TIMEOUT gives up an attempt that nobody answers, each time"""
    client = stage.host("left", DEALER, CONNECT_TIMEOUT=150, RECONNECT_IVL=100,
                        RECONNECT_IVL_MAX=100)
    began = now()
    client.ask("connect", f"tcp://{NOBODY}:5555")
    client.wait("CONNECT_RETRIED", count=4)
    retries, ended = client.seen("CONNECT_RETRIED")[:4], client.seen("CLOSED")[:4]
    # The first attempt, and each pause with the attempt that follows it.
    check_pauses(ended, began + 150, [retry.value + 150 for retry in retries])
    # Without it the kernel goes on for minutes.
    patient = stage.host("left", DEALER)
    patient.ask("connect", f"tcp://{NOBODY}:5555")
    patient.wait("CONNECT_DELAYED")
    check(patient.refused("recv", 800) == errno.EAGAIN, "a message from nowhere")
    check(not patient.seen("CLOSED"), "given up without a limit")


def no_route(stage):
    """a connect with no route fails, and succeeds when there is one"""
    stage.net.cut("left")
    server = stage.host("right", PULL)
    server.ask("bind", "tcp://*:5555")
    client = stage.host("left", PUSH)
    client.ask("connect", SERVER)
    client.ask("send", "x")
    client.wait("CONNECT_RETRIED", count=3)
    check(not client.seen("CONNECTED"), "connected through a cut cable")
    since = stage.net.heal("left")
    client.wait("HANDSHAKE_SUCCEEDED", since)
    check(text_of(server.ask("recv", 5000)) == "x", "nothing came")


def silent_server(stage):
    """HANDSHAKE_IVL gives up a server that says nothing, and tries again"""
    mute = stage.net.host("right", stage.program, stage.lib_dir)
    mute.ask("listen", "0.0.0.0", 5555)
    client = stage.host("left", DEALER, HANDSHAKE_IVL=250)
    began = now()
    client.ask("connect", SERVER)
    client.wait("CONNECT_RETRIED", count=3)
    retries = client.seen("CONNECT_RETRIED")[:3]
    check_pauses(client.seen("DISCONNECTED")[:3], began + 250,
                 [retry.value + 250 for retry in retries])
    check(not client.seen("HANDSHAKE_SUCCEEDED"), "a handshake with nobody")


def silent_client(stage):
    """HANDSHAKE_IVL gives up a client that says nothing"""
    server = stage.host("right", DEALER, HANDSHAKE_IVL=250)
    server.ask("bind", "tcp://*:5555")
    mute = stage.net.host("left", stage.program, stage.lib_dir)
    began = now()
    mute.ask("dial", RIGHT, 5555)
    lost = server.wait("DISCONNECTED")
    check_between(lost.when - began, 250 - EARLY, 250 + LATE, "the handshake")
    client = stage.host("left", DEALER)
    client.ask("connect", SERVER)
    client.ask("send", "x")
    check(text_of(server.ask("recv", 5000)) == "x", "nothing came")


# ---- the end ------------------------------------------------------------------


def linger(stage):
    """closing lingers as long as it was told while the cable is cut"""
    servers, clients = [], {}
    for port, wait in ((5555, 500), (5556, 0), (5557, -1)):
        server = stage.host("right", PULL)
        server.ask("bind", f"tcp://*:{port}")
        client = stage.host("left", PUSH, LINGER=wait)
        client.ask("connect", f"tcp://{RIGHT}:{port}")
        client.wait("HANDSHAKE_SUCCEEDED")
        servers.append(server)
        clients[wait] = client
    stage.net.cut()
    for client in clients.values():
        # More than the kernel takes, so that something is left to linger for.
        client.ask("sendn", 0, 200, 100000)
        client.tell("close")
    for wait in (500, 0):
        closed, ended = map(float, clients[wait].expect_ok().split(" "))
        check_between(closed, 0, LATE, "zmq_close")
        check_between(ended, wait - EARLY, wait + LATE, f"the end with LINGER {wait}")
    check(not clients[-1].answers[clients[-1].asked - 1:], "LINGER -1 did not wait")
    stage.net.heal()
    got = servers[2].ask("recvn", 0, 200, 100000)
    check(got == "200", f"LINGER -1 delivered {got}")
    clients[-1].expect_ok()


def linger_unconnected(stage):
    """closing lingers for a peer that was never reached"""
    for wait in (400, 0):
        client = stage.host("left", PUSH, LINGER=wait)
        client.ask("connect", f"tcp://{NOBODY}:5555")
        client.ask("send", "x")
        ended = float(client.ask("close").split(" ")[1])
        check_between(ended, wait - EARLY, wait + LATE, f"the end with LINGER {wait}")


def immediate(stage):
    """IMMEDIATE takes messages only while the peer is there"""
    stage.net.cut("left")
    options = {"HEARTBEAT_IVL": 100, "HEARTBEAT_TIMEOUT": 200, "CONNECT_TIMEOUT": 200}
    server = stage.host("right", PULL, **options)
    server.ask("bind", "tcp://*:5555")
    client = stage.host("left", PUSH, IMMEDIATE=1, **options)
    client.ask("connect", SERVER)
    queuing = stage.host("left", PUSH, IMMEDIATE=0)
    queuing.ask("connect", f"tcp://{NOBODY}:5555")
    check(queuing.refused("try", "x") == 0, "without IMMEDIATE it did not queue")
    since = 0.0
    for turn in range(2):
        client.wait("CONNECT_RETRIED", since, count=2)
        check(client.refused("try", "early") == errno.EAGAIN, f"{turn}: queued for nobody")
        client.tell("send", f"turn{turn}")  # blocks until the peer is there
        since = stage.net.heal("left")
        client.expect_ok()
        check(text_of(server.ask("recv", 5000)) == f"turn{turn}", "another message came")
        cut, _ = stage.net.cut("left")
        client.wait("DISCONNECTED", cut)
        since = cut


def immediate_choice(stage):
    """IMMEDIATE sends nothing towards a peer that never answers"""
    server = stage.host("right", PULL)
    server.ask("bind", "tcp://*:5555")
    for value, arrive in ((1, 100), (0, 50)):
        client = stage.host("left", PUSH, IMMEDIATE=value)
        client.ask("connect", f"tcp://{NOBODY}:5555")
        client.ask("connect", SERVER)
        client.wait("HANDSHAKE_SUCCEEDED")
        for number in range(100):
            client.ask("send", number)
        for number in range(arrive):
            server.ask("recv", int(PATIENCE * 500))
        check(server.refused("recv", 200) == errno.EAGAIN,
              f"IMMEDIATE {value}: more than {arrive} of 100 messages")


CASES = [far_away, source_address, interface_name, device, wrong_device, ipv6, short_cut,
         heartbeat, heartbeat_alive, heartbeat_full, stopped, time_to_live, keepalive,
         max_retransmission, backoff, jitter, connect_timeout, no_route, silent_server,
         silent_client, linger, linger_unconnected, immediate, immediate_choice]
OURS_ONLY = {wrong_device, heartbeat_full, stopped}
