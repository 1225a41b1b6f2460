"""Shows that each check of coverage.py can fail, on a small tree of its own."""

import pathlib
import tempfile

import coverage

HEADER = """
/* ZMQ_IN_A_COMMENT is no name. */
#define ZMQ_EXPORT
#define ZMQ_PAIR 0
#define ZMQ_LINGER 17
typedef struct zmq_msg_t { int _; } zmq_msg_t;
typedef void (zmq_free_fn) (void *data);
typedef int zmq_fd_t;
ZMQ_EXPORT
int zmq_bind (void *socket,
              const char *address);
#ifdef ZMQ_BUILD_DRAFT_API
#define ZMQ_METADATA 95
#define ZMQ_SERVER 12
ZMQ_EXPORT int zmq_join (void *socket);
#endif
"""
TABLE = """# a comment
zmq_bind\tfunction\tone\tworks\t-
ZMQ_PAIR\tsocket type\tone interop/peer\tworks\t-
ZMQ_LINGER\tsocket option\ttwo\tworks\t-
ZMQ_METADATA\tsocket option\ttwo\tworks\t-
zmq_msg_t\ttype\theader/layouts\tnumber\t-
zmq_free_fn\ttype\theader/layouts\tnumber\t-
zmq_fd_t\ttype\theader/layouts\tnumber\t-
"""
FILES = {
    "include/zmq.h": HEADER,
    "capi-tests/coverage.tsv": TABLE,
    "capi-tests/improvements.txt": "# none\none\ttheirs\tours\ta reason\n",
    "capi-tests/options.h": "OPTION (LINGER),\n",
    "capi-tests/one.c": 'int main (void) { zmq_bind (s, "ZMQ_LINGER"); /* ZMQ_METADATA */ return ZMQ_PAIR; }\n',
    "capi-tests/two.c": '#include "options.h"\nint main (void) { return ZMQ_METADATA; }\n',
    "capi-tests/header/layouts.c": "zmq_msg_t a; zmq_free_fn *b; zmq_fd_t c; int d = ZMQ_PAIR;\n",
    "interop/peer.c": "int type = ZMQ_PAIR;\n",
}

# What is spoiled: a file, a text in it, what stands there instead; and the
# check that has to notice, with a word of its complaint.
SPOILED = [
    ("a new macro", "include/zmq.h", "#define ZMQ_PAIR 0", "#define ZMQ_PAIR 0\n#define ZMQ_NEW 1",
     "names", "ZMQ_NEW: no row"),
    ("a new function", "include/zmq.h", "ZMQ_EXPORT\nint", "ZMQ_EXPORT int zmq_new (void);\nZMQ_EXPORT\nint",
     "names", "zmq_new: no row"),
    ("a new type", "include/zmq.h", "typedef int zmq_fd_t;", "typedef int zmq_fd_t;\ntypedef int zmq_new_t;",
     "names", "zmq_new_t: no row"),
    ("a name that is gone", "include/zmq.h", "#define ZMQ_LINGER 17", "", "names", "no such socket option"),
    ("a row too few", "capi-tests/coverage.tsv", "zmq_bind\tfunction\tone\tworks\t-\n", "", "names", "zmq_bind: no row"),
    ("a row too many", "capi-tests/coverage.tsv", "# a comment", "ZMQ_PAIR\tsocket type\tone\tworks\t-",
     "names", "ZMQ_PAIR: twice"),
    ("a wrong kind", "capi-tests/coverage.tsv", "zmq_bind\tfunction", "zmq_bind\tsocket type", "names", "no such"),
    ("an unknown kind", "capi-tests/coverage.tsv", "zmq_bind\tfunction", "zmq_bind\tfun", "names", "what is a fun"),
    ("a row without a test", "capi-tests/coverage.tsv", "function\tone", "function\t-", "function", "no test"),
    ("a test that does not exist", "capi-tests/coverage.tsv", "function\tone", "function\tthree",
     "function", "no test three"),
    ("a test that is gone", "interop/peer.c", None, None, "socket type", "no test interop/peer"),
    ("a test that does not call it", "capi-tests/one.c", "zmq_bind (", "zmq_bind; (", "function", "does not use it"),
    ("a name in a text", "capi-tests/coverage.tsv", "socket option\ttwo\tworks\t-\nZMQ_METADATA",
     "socket option\tone\tworks\t-\nZMQ_METADATA", "socket option", "ZMQ_LINGER: one does not use it"),
    ("a name in a comment", "capi-tests/coverage.tsv", "ZMQ_METADATA\tsocket option\ttwo",
     "ZMQ_METADATA\tsocket option\tone", "socket option", "ZMQ_METADATA: one does not use it"),
    ("a list of options that is not included", "capi-tests/two.c", '#include "options.h"', "",
     "socket option", "ZMQ_LINGER: two does not use it"),
    ("a test that only compiles", "capi-tests/coverage.tsv", "one interop/peer", "header/layouts",
     "socket type", "no test that runs"),
    ("an unknown state", "capi-tests/coverage.tsv", "one\tworks", "one\tperhaps", "function", "no such state"),
    ("a page that is old", "capi-tests/coverage.tsv", "one\tworks\t-", "one\tworks\ta remark", "page", "is not what"),
    ("a difference not on the page", "capi-tests/improvements.txt", "a reason", "another", "page", "is not what"),
    ("no page", "docs/compatibility.md", None, None, "page", "is not what"),
]


def grow(root):
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def spoil(root, name, old, new):
    path = root / name
    if old is None:
        path.unlink()
        return
    text = path.read_text()
    assert old in text, f"nothing to spoil in {name}"
    path.write_text(text.replace(old, new, 1))


def results():
    """Runs all; returns {what is shown: complaints}."""
    found = {}
    with tempfile.TemporaryDirectory(prefix="coverage-") as scratch:
        root = pathlib.Path(scratch)
        grow(root)
        found["self-test: a good tree"] = [
            c for complaints in coverage.check(root, write=True).values() for c in complaints]
        for what, name, old, new, where, word in SPOILED:
            grow(root)
            coverage.check(root, write=True)
            spoil(root, name, old, new)
            complaints = coverage.check(root)[where]
            noticed = any(word in complaint for complaint in complaints)
            found[f"self-test: {what}"] = [] if noticed else [f"not noticed; only: {complaints}"]
        grow(root)
        spoil(root, "capi-tests/coverage.tsv", "\t-\n", "\n")
        try:
            coverage.check(root)
            found["self-test: a field too few"] = ["not noticed"]
        except coverage.Failure:
            found["self-test: a field too few"] = []
    return found
