"""What the ledgers say: what was sent, what came, and what is missing without an excuse."""

import array
import struct

# As in soak.h.
SOURCES, LIVES = 8, 8192
FIELDS = ("incarnation", "lives", "sent", "received", "bytes", "in_doubt", "dropped",
          "lost", "repeated", "damaged", "stuck")
NEVER = ("lost", "repeated", "damaged", "stuck")
HEADER = len(FIELDS) + SOURCES
# Messages that a killed process can have had: queues of both sides, and buffers.
KILLED_HAS = 6000


class Ledger:
    def __init__(self, path):
        self.path = path
        self.kills = 0

    def fields(self):
        """The counters by name, while the part plays."""
        try:
            with open(self.path, "rb") as file:
                data = file.read(8 * HEADER)
        except FileNotFoundError:
            data = b""
        if len(data) < 8 * HEADER:
            return dict.fromkeys(FIELDS, 0) | {"topics": (0,) * SOURCES}
        values = struct.unpack(f"<{HEADER}Q", data)
        return dict(zip(FIELDS, values)) | {"topics": values[len(FIELDS):]}

    def tables(self):
        """(lives as (attempted, sent, ended), seen as {(source, life): (next, incarnation)})."""
        words = array.array("Q")
        with open(self.path, "rb") as file:
            words.frombytes(file.read()[8 * HEADER:])
        lives = [tuple(words[3 * i:3 * i + 3]) for i in range(self.fields()["lives"])]
        seen, base = {}, 3 * LIVES
        for source in range(SOURCES):
            for life in range(LIVES):
                at = base + 2 * (source * LIVES + life)
                if words[at + 1]:
                    seen[source, life] = (words[at], words[at + 1])
        return lives, seen


class Sum:
    """A lane's result. `wrong` holds what may not be, in words."""

    def __init__(self):
        self.sent = self.received = self.in_doubt = self.dropped = self.lost = 0
        self.wrong = []

    def miss(self, count, excuse, what):
        """Adds missing messages; without an excuse they are lost."""
        if count and excuse:
            self.in_doubt += count
        elif count:
            self.lost += count
            self.wrong.append(f"{count} lost: {what}")


def judge(lane, ledgers):
    """The Sum of a lane. `ledgers`: {use: [Ledger]}, with how often each part was killed."""
    total = Sum()
    for use, group in ledgers.items():
        for ledger in group:
            fields = ledger.fields()
            if use in ("sends", "talks", "publishes", "asks", "streams"):
                total.sent += fields["sent"]
            if use not in ("sends", "publishes", "serves", "echoes", "forwards"):
                total.received += fields["received"]
            total.in_doubt += fields["in_doubt"]
            total.dropped += fields["dropped"]
            total.lost += fields["lost"]
            total.wrong += [f"{ledger.path.name}: {fields[name]} {name}"
                            for name in NEVER if fields[name]]
    for use, check in (("receives", tails), ("shares", shared), ("talks", talks), ("asks", answers),
                       ("hears all", heard)):
        if use in ledgers:
            check(total, ledgers)
    if not total.sent or not total.received:
        total.wrong.append("nothing was sent, or nothing came")
    return total


def source_of(ledger):
    """The number in its file's name, which the parts have as their source."""
    return int(ledger.path.name.split("-")[-2]) % SOURCES


def tails(total, ledgers):
    """Whether the last messages of each life came as well."""
    for receiver in ledgers["receives"]:
        _, seen = receiver.tables()
        incarnation = receiver.fields()["incarnation"]
        for sender in ledgers["sends"]:
            for life, (attempted, sent, ended) in enumerate(sender.tables()[0]):
                upto, last = seen.get((source_of(sender), life), (0, 0))
                what = f"{sender.path.name}, life {life}: {upto} of {sent} came"
                if upto > attempted:
                    total.wrong.append(f"{what}, which is too many")
                missing = max(0, sent - upto)
                # A killed sender had them, or a killed receiver.
                excuse = not ended or last < incarnation and receiver.kills
                total.miss(missing, excuse and missing <= KILLED_HAS, what)


def shared(total, ledgers):
    """What one sent, several received."""
    came = sum(ledger.fields()["received"] for ledger in ledgers["shares"])
    kills = sum(ledger.kills for ledger in ledgers["shares"])
    missing = total.sent - came
    total.miss(max(0, missing), missing <= kills * KILLED_HAS, f"{came} of {total.sent} came")
    if missing < 0:
        total.wrong.append("more came than was sent")


def talks(total, ledgers):
    """Each end has all of the other's messages."""
    one, other = ledgers["talks"]
    for sender, receiver in ((one, other), (other, one)):
        sent, came = sender.fields()["sent"], receiver.fields()["received"]
        total.miss(sent - came, False, f"{receiver.path.name}: {came} of {sent} came")


def answers(total, ledgers):
    """Each request has its answer, but for those of killed clients and lost connections."""
    for client in ledgers["asks"]:
        fields = client.fields()
        missing = fields["sent"] - fields["received"] - fields["in_doubt"] - fields["lost"]
        # A killed client had its window open, and sent one that it did not count.
        total.miss(max(0, missing), 0 <= missing <= 64 * client.kills, f"{client.path.name}: {missing}")


def heard(total, ledgers):
    """Each subscriber has each topic's last message."""
    (publisher,) = ledgers["publishes"]
    for subscriber in ledgers["hears all"]:
        _, seen = subscriber.tables()
        for topic, sent in enumerate(publisher.fields()["topics"]):
            upto = seen.get((topic, 0), (0, 0))[0]
            total.miss(sent - upto, False,
                       f"{subscriber.path.name}, topic {topic}: {upto} of {sent} came")
