"""The Python side, on pyzmq: hello.py req|rep|pub|sub|which ..."""

import ctypes
import sys

import zmq


class DlInfo(ctypes.Structure):
    """What dladdr() tells about an address."""

    _fields_ = [("file", ctypes.c_char_p), ("base", ctypes.c_void_p),
                ("symbol", ctypes.c_char_p), ("address", ctypes.c_void_p)]


def who(program):
    """Prints the version pyzmq sees and the file its zmq functions come from."""
    everything = ctypes.CDLL(None)
    everything.dladdr.argtypes = [ctypes.c_void_p, ctypes.POINTER(DlInfo)]
    info, symbol = DlInfo(), None
    try:
        symbol = ctypes.cast(everything.zmq_ctx_new, ctypes.c_void_p)
    except AttributeError:
        pass  # Nothing preloaded: the extension's own copy is private to it.
    if symbol is None or not everything.dladdr(symbol, ctypes.byref(info)):
        info.file = b"a copy of pyzmq's own"
    print(f"{program}: libzmq {zmq.zmq_version()} from {info.file.decode()} "
          f"(pyzmq {zmq.pyzmq_version()})", flush=True)


def socket_of(kind):
    context = zmq.Context()
    sock = context.socket(kind)
    sock.setsockopt(zmq.RCVTIMEO, 20000)
    sock.setsockopt(zmq.SNDTIMEO, 20000)
    return context, sock


def attach(sock, verb, endpoint):
    (sock.bind if verb == "bind" else sock.connect)(endpoint)


def req(verb, endpoint, count):
    context, sock = socket_of(zmq.REQ)
    attach(sock, verb, endpoint)
    for i in range(int(count)):
        question = f"Hello from Python {i}"
        sock.send_string(question)
        answer = sock.recv_string()
        print(f"Python REQ: got {answer}", flush=True)
        if question not in answer:
            sys.exit(f"that is no reply to {question}")
    context.destroy()


def rep(verb, endpoint, count):
    context, sock = socket_of(zmq.REP)
    attach(sock, verb, endpoint)
    for _ in range(int(count)):
        question = sock.recv_string()
        print(f"Python REP: got {question}", flush=True)
        sock.send_string(f"World of Python for {question}")
    sock.close()
    context.term()


def pub(endpoint, subscribers):
    """Publishes two topics once so many subscribers have said they listen."""
    context, sock = socket_of(zmq.XPUB)
    sock.setsockopt(zmq.XPUB_VERBOSE, 1)
    sock.bind(endpoint)
    print(f"bound {sock.getsockopt(zmq.LAST_ENDPOINT).rstrip(chr(0).encode()).decode()}",
          flush=True)
    for _ in range(int(subscribers)):
        if sock.recv() != b"\x01sport":
            sys.exit("a strange subscription")
    for i in range(100):
        sock.send_string(f"sport {i}")
        sock.send_string(f"weather {i}")
    sock.send_string("sport end")
    sock.close()
    context.term()


def sub(endpoint):
    context, sock = socket_of(zmq.SUB)
    sock.setsockopt_string(zmq.SUBSCRIBE, "sport")
    sock.connect(endpoint)
    got = []
    while True:
        text = sock.recv_string()
        if text == "sport end":
            break
        got.append(text)
    print(f"Python SUB: got {len(got)} messages", flush=True)
    if got != [f"sport {i}" for i in range(100)]:
        sys.exit("something is missing")
    context.destroy()


def main(role, *arguments):
    who(f"Python {role.upper()}")
    roles = {"req": req, "rep": rep, "pub": pub, "sub": sub, "which": lambda: None}
    roles[role](*arguments)


if __name__ == "__main__":
    main(*sys.argv[1:])
