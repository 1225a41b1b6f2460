"""All mutants of a tree in one program, each behind a switch."""

import collections
import json
import re
import subprocess

# What the switches ask. The number comes from the environment, before `main`.
MODULE = """
#[allow(missing_docs)]
pub mod mutant {
    static mut ON: u32 = 0;

    #[inline]
    pub fn on(number: u32) -> bool {
        // SAFETY: written before main only.
        unsafe { ON == number }
    }

    extern "C" fn start() {
        let number = std::env::var("MUTANT").ok().and_then(|text| text.parse().ok());
        // SAFETY: before main there is one thread.
        unsafe { ON = number.unwrap_or(0) };
    }

    #[used]
    #[unsafe(link_section = ".init_array")]
    static START: extern "C" fn() = start;
}
"""


class Lines:
    """Offsets of lines and columns, both from 1."""

    def __init__(self, text):
        self.starts = [0]
        for line in text.split("\n"):
            self.starts.append(self.starts[-1] + len(line) + 1)

    def span(self, numbers):
        """Of a list (line, column, end line, end column)."""
        line, column, end_line, end_column = numbers
        return (self.starts[line - 1] + column - 1, self.starts[end_line - 1] + end_column - 1)


def operands(tool, path, lines):
    """Returns {(kind, span of the operator, guard or arm): [spans]}."""
    done = subprocess.run([tool, path], capture_output=True, text=True, check=True)
    found = {}
    for line in done.stdout.splitlines():
        kind, *numbers = line.split()
        numbers = list(map(int, numbers))
        spans = [lines.span(numbers[i:i + 4]) for i in range(0, len(numbers), 4)]
        found[kind, spans[0]] = spans
    return found


class File:
    """One file with its mutants; `text` gives it with their switches."""

    def __init__(self, source, mutants, tool):
        self.source = source.read_text()
        lines = Lines(self.source)
        found = operands(tool, source, lines)
        self.inserts = collections.defaultdict(str)
        self.nodes = {}
        self.without = []
        for mutant in mutants:
            start, end = mutant["span"]["start"], mutant["span"]["end"]
            span = lines.span((start["line"], start["column"], end["line"], end["column"]))
            if not self.add(mutant, span, found):
                self.without.append(mutant["number"])

    def add(self, mutant, span, found):
        """False if there is no place for the switch."""
        number, new = mutant["number"], mutant["replacement"]
        on = f"\n/*m{number}*/ "
        genre = mutant["genre"]
        if genre == "FnValue":
            self.inserts[span[0]] += f"{on}if crate::mutant::on({number}) {{ return {new}; }}\n"
        elif genre == "Order":
            self.node("whole", span, span).append((number, new))
        elif genre in ("BinaryOperator", "UnaryOperator"):
            spans = found.get((genre[:-8].lower(), span))
            if spans is None:
                return False
            self.node("operator", spans[1], span).append((number, new))
        elif genre == "MatchArmGuard":
            if ("guard", span) not in found:
                return False
            self.node("guard", span, span).append((number, new))
        elif genre == "MatchArm":
            spans = found.get(("arm", span)) or next(
                (spans for (kind, at), spans in found.items()
                 if kind == "arm" and at[0] == span[0]), None)
            if spans is None:
                return False
            if len(spans) > 2:
                self.node("guard", spans[2], spans[2]).append((number, "false"))
            else:
                self.inserts[spans[1][1]] += f" if{on}!crate::mutant::on({number})\n"
        else:
            return False
        return True

    def node(self, kind, whole, inner):
        """The mutants of an expression; of a guard that is one, the guard is outside."""
        key = (whole[0], -whole[1], kind != "guard")
        return self.nodes.setdefault(key, (kind, inner, []))[2]

    def text(self):
        return self.render(0, len(self.source), None)

    def render(self, start, end, outside):
        """The text from `start` to `end`, with the switches that lie in it and inside of the
        node `outside`."""
        out, at = [], start
        for key in sorted(self.nodes):
            first, last = key[0], -key[1]
            inside = outside is None or key > outside
            if first < at or last > end or not inside:
                continue
            out += [self.plain(at, first), self.inserts.get(first, ""), self.switch(key)]
            at = last
        return "".join(out) + self.plain(at, end)

    def plain(self, start, end):
        out, at = [], start
        for place in sorted(place for place in self.inserts if start < place < end):
            out += [self.source[at:place], self.inserts[place]]
            at = place
        return "".join(out) + self.source[at:end]

    def switch(self, key):
        kind, inner, mutants = self.nodes[key]
        first, last = key[0], -key[1]
        if kind == "guard":
            out = f"({self.render(first, last, key)}\n)"
            for number, new in mutants:
                sign, join = ("", "||") if new == "true" else ("!", "&&")
                out = f"(\n/*m{number}*/ {sign}crate::mutant::on({number}) {join}\n{out})"
            return out
        out = "("
        for number, new in mutants:
            changed = self.source[first:inner[0]] + f" {new} " + self.source[inner[1]:last]
            out += f"\n/*m{number}*/ if crate::mutant::on({number}) {{ {changed}\n}} else "
        if kind == "whole":
            same = self.source[first:last]
        else:
            same = (self.render(first, inner[0], key) + self.source[inner[0]:inner[1]]
                    + self.render(inner[1], last, key))
        return out + "{ " + same + "\n})"


def write(source, tree, mutants, tool):
    """Puts the mutants into the files of `tree`. Returns the numbers of those without a
    switch."""
    files, without = collections.defaultdict(list), []
    for mutant in mutants:
        files[mutant["file"]].append(mutant)
    for path, members in files.items():
        file = File(source / path, members, tool)
        (tree / path).write_text(file.text())
        without += file.without
    library = (source / "src/lib.rs").read_text()
    (tree / "src/lib.rs").write_text(library + MODULE)
    return without


def errors(tree, command, env):
    """Returns the numbers of the mutants that do not compile, those among them that stand
    in constants, and errors that belong to none."""
    done = subprocess.run(command + ["--message-format=json"], cwd=tree, env=env,
                          capture_output=True, text=True)
    bad, constant, lost = set(), set(), []
    for line in done.stdout.splitlines():
        message = json.loads(line).get("message")
        if not isinstance(message, dict) or message.get("level") != "error":
            continue
        for span in filter(lambda span: span["is_primary"], message["spans"]):
            number = owner((tree / span["file_name"]).read_text().split("\n"), span["line_start"])
            if number is None:
                lost.append(f"{span['file_name']}:{span['line_start']}: {message['message']}")
            else:
                bad.add(number)
                if (message.get("code") or {}).get("code") == "E0015":
                    constant.add(number)
    if done.returncode and not bad:
        lost.append(done.stderr[-2000:])
    return bad, constant, lost


def owner(lines, number):
    """The mutant whose mark is on the line or nearest above it."""
    for line in lines[number - 1:max(0, number - 41):-1]:
        mark = re.search(r"/\*m(\d+)\*/", line)
        if mark:
            return int(mark.group(1))
    return None
