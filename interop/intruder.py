"""A peer without rights that tries to be taken for another, or to fill memory.

`make` starts one of our nodes, see security.py. What the reference does is not
compared: where it lets the peer in, it is wrong.
"""

import socket
import time

from run import Failure
from wire import greeting_3, property_bytes, ready

COMMAND, LONG_COMMAND = 4, 6
# The longest frame of a handshake.
LONGEST = 64 * 1024


def hello(user, password):
    return (b"\x05HELLO" + bytes([len(user)]) + user + bytes([len(password)]) + password)


def command(body):
    if len(body) < 256:
        return bytes([COMMAND, len(body)]) + body
    return long_header(len(body)) + body


def long_header(size):
    return bytes([LONG_COMMAND]) + size.to_bytes(8, "big")


def until_closed(peer):
    """Until the library ends the connection, without having let the peer in."""
    said = b""
    try:
        while more := peer.recv(65536):
            said += more
            require(b"WELCOME" not in said, "the intruder was let in")
    except ConnectionError:
        pass
    except TimeoutError:
        raise Failure("the connection was not ended") from None
    return said


def require(condition, text):
    if not condition:
        raise Failure(text)


def late_verdict(make, plain_server, good):
    """A server that connects asks about a peer, which goes; another comes in its place.
    The answer about the first lets nobody in."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        address = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
        server = make("connect", address, plain_server + [
            "zap=200", f"zapallow={good[0].hex()}/{good[1].hex()}", "zaphold=1",
            "RECONNECT_IVL=i:10"])
        try:
            for login, count in ((good, 1), ((b"intruder", b"guess"), 2)):
                peer = listener.accept()[0]
                peer.settimeout(10)
                peer.sendall(greeting_3(0, b"PLAIN") + command(hello(*login)))
                if count == 2:
                    # Time for the question to be asked, which only the handler would
                    # see. It answers the first before it reads the second.
                    time.sleep(0.2)
                    server.do("release")
                server.until("zap", count)
                if count == 1:
                    peer.close()
            server.do("release")
            until_closed(peer)
            server.do("look")
            server.until("recv nothing")
        finally:
            server.end()


def longest_command(make, _plain, _good):
    """A command of the handshake may be 64 KiB long, and no longer, whatever the
    mechanism."""
    body = ready("DEALER")
    padding = LONGEST - len(body) - len(property_bytes(b"X-Long", b""))
    server = make("bind", "tcp://127.0.0.1:*", [])
    try:
        port = int(server.endpoint.rsplit(":", 1)[1])
        with socket.create_connection(("127.0.0.1", port), timeout=10) as peer:
            longest = body + property_bytes(b"X-Long", bytes(padding))
            require(len(longest) == LONGEST, "the test miscounts")
            peer.sendall(greeting_3(0) + command(longest))
            server.until("event HANDSHAKE_SUCCEEDED")
    finally:
        server.end()


def too_long_command(make, options):
    """One more byte is refused as soon as it is announced."""
    server = make("bind", "tcp://127.0.0.1:*", options)
    mechanism = {"PLAIN": b"PLAIN", "CURVE": b"CURVE"}.get(
        options[0].split("_")[0] if options else "", b"NULL")
    try:
        port = int(server.endpoint.rsplit(":", 1)[1])
        with socket.create_connection(("127.0.0.1", port), timeout=10) as peer:
            peer.sendall(greeting_3(0, mechanism) + long_header(LONGEST + 1))
            until_closed(peer)
            server.until("event DISCONNECTED")
    finally:
        server.end()


def jobs(plain_server, curve_server, good):
    """Labels, and what to call with a function that starts a node."""
    yield "late verdict", lambda make: late_verdict(make, plain_server, good)
    yield "longest command", lambda make: longest_command(make, plain_server, good)
    for name, options in (("null", []), ("plain", plain_server), ("curve", curve_server)):
        yield f"too long a command, {name}", lambda make, o=options: too_long_command(make, o)
