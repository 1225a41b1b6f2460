"""Which code the test program has: that of this system, without loom and ThreadSanitizer."""

import re
import sys

FLAGS = {"test", "debug_assertions", "panic_unwind", "unix"}
VALUES = {"target_os": "linux" if sys.platform == "linux" else "other", "panic": "unwind"}


class Names(dict):
    """What a cfg predicate may name; everything else is not set."""

    def __missing__(self, name):
        return name in FLAGS


def holds(predicate):
    """Whether a cfg predicate is true in the test program."""
    text = re.sub(r'(\w+)\s*=\s*"([^"]*)"', lambda m: str(VALUES.get(m[1]) == m[2]), predicate)
    text = re.sub(r"\bnot\(", "none(", text)
    names = Names(all=lambda *of: all(of), any=lambda *of: any(of), none=lambda of: not of)
    return bool(eval(text, {"__builtins__": {}, "True": True, "False": False}, names))


def end_of(lines, start):
    """The last line of what begins on a line; rustfmt indents what belongs to it."""
    indent = len(lines[start]) - len(lines[start].lstrip())
    if lines[start].rstrip().endswith((";", ",")):
        return start
    for at in range(start + 1, len(lines)):
        text = lines[at].strip()
        own = len(lines[at]) - len(lines[at].lstrip()) == indent
        if text and own and (text.startswith("}") or text.endswith(";")):
            return at
    return len(lines) - 1


def lacks(root, mutant):
    """Whether the mutant is in code that the test program does not have."""
    lines = (root / mutant["file"]).read_text().split("\n")
    place = mutant["span"]["start"]["line"] - 1
    for at in range(place):
        found = re.fullmatch(r"\s*#\[cfg\((.*)\)\]", lines[at])
        if not found or holds(found[1]):
            continue
        start = at + 1
        while re.match(r"\s*(#\[|//)", lines[start]):
            start += 1
        if start <= place <= end_of(lines, start):
            return True
    return False
