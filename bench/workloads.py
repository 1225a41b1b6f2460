"""What is measured, what a figure may plausibly be, and what it should be."""

TRANSPORTS = ("tcp", "ipc", "inproc")
SIZES = ((8, "8B"), (64, "64B"), (1024, "1KiB"), (65536, "64KiB"), (1048576, "1MiB"))

# No worse than libzmq, within what two runs of one library differ by.
NO_WORSE = 0.95


class Metric:
    """One figure of a workload.

    `must` and `aim` say how many times better than libzmq it has to be and had
    better be; `most` is a limit in its own unit that holds for itself.
    """

    def __init__(self, unit, low, high, name="", more_is_better=False, must=None, aim=None,
                 most=None):
        self.unit, self.low, self.high, self.name = unit, low, high, name
        self.more_is_better = more_is_better
        self.must, self.aim, self.most = must, aim, most

    def ratio(self, first, second):
        """How many times better the first figure is than the second."""
        return first / second if self.more_is_better else second / first

    def target(self):
        """The target in words, or ""."""
        if self.most is not None:
            return f"<{self.most:g}{self.unit}"
        if self.must is None:
            return ""
        if self.must == NO_WORSE:
            return "no worse"
        return f"{self.must:g}x" + (f"/{self.aim:g}x" if self.aim else "")

    def verdict(self, figure, ratio):
        """"missed", "met", "aim met", or "" where there is no target or no ratio."""
        if self.most is not None:
            return "met" if figure < self.most else "missed"
        if self.must is None or ratio is None:
            return ""
        if ratio < self.must:
            return "missed"
        return "aim met" if self.aim and ratio >= self.aim else "met"


class Workload:
    """One measurement: the command, its figures, and what else they are held against.

    `derived` says how the first figure follows from what the program counted:
    "rate" (count / seconds), "time" (seconds / count, in us) or "" (it does not).
    `limits` names the bare measurements that do the same without a library.
    """

    def __init__(self, name, command, metrics, derived="", limits=(), core=False, timed=True,
                 seconds=None):
        self.name, self.metrics = name, metrics
        self.program, *self.arguments = command.split()
        self.derived, self.limits, self.core = derived, limits, core
        self.timed = timed      # whether it goes on for as long as it is told to
        self.seconds = seconds  # its own, where what is asked for is too short


def rate(unit, size=1, **target):
    """Nothing here moves more than 50 GB or 300 M messages a second."""
    return [Metric(unit, 10, min(3e8, 5e10 / size), more_is_better=True, **target)]


def time_of(low, high=1e5, must=None, aim=None, **more):
    return [Metric("us", low, high, must=must, aim=aim)] + [
        Metric("us", low, high, name=name) for name in more.get("also", ())]


def throughput():
    targets = {("tcp", "8B"): (3, 4), ("tcp", "64B"): (3, 4), ("ipc", "64B"): (3, 5),
               ("tcp", "1KiB"): (2, 3), ("tcp", "64KiB"): (1.5, 2), ("tcp", "1MiB"): (1.5, 2),
               ("inproc", "8B"): (2, 4), ("inproc", "64B"): (3, 5)}
    for transport in TRANSPORTS:
        for size, label in SIZES:
            must, aim = targets.get((transport, label), (None, None))
            limits = [f"bare/stream/{transport}/{label}"]
            if size >= 65536:
                limits.append(limits[0] + "/spinning")
            if transport == "inproc":
                limits = [f"bare/queue/threads/{label}"] if size <= 64 else []
            yield Workload(f"throughput/{transport}/{label}",
                           f"throughput {transport} {size} {{}}",
                           rate("msg/s", size, must=must, aim=aim), "rate", limits,
                           core=must is not None)
    for size, label, must in ((64, "64B", 1.5), (65536, "64KiB", 1.2)):
        yield Workload(f"curve/tcp/{label}", f"throughput tcp {size} {{}} curve",
                       rate("msg/s", size, must=must, aim=2), "rate",
                       [f"bare/stream/tcp/{label}"], core=True)


LONG = ((1 << 18, "256KiB"), (1 << 21, "2MiB"), (1 << 22, "4MiB"), (1 << 23, "8MiB"),
        (1 << 26, "64MiB"))


def each_side(must=None):
    """The processor time of both sides for each MiB."""
    return [Metric("us", 10, 1e5, name=name, must=must) for name in ("receiver", "sender")]


def long_messages():
    """From a sender that shows its own memory; what both sides pay for a MiB beside it."""
    for transport in ("tcp", "ipc"):
        for size, label in LONG:
            yield Workload(f"long/{transport}/{label}", f"long {transport} {size} {{}}",
                           [Metric("msg/s", 1, 5e10 / size, more_is_better=True, must=1.2)]
                           + each_side(must=NO_WORSE), "rate",
                           [f"bare/long/{transport}{how}/{label}" for how in ("", "-short")],
                           core=True)


def latency():
    targets = {"tcp": (4, 8, 2), "ipc": (4, 8, 1), "inproc": (20, 60, 0.05)}
    for transport in TRANSPORTS:
        must, aim, low = targets[transport]
        bare = "threads" if transport == "inproc" else transport
        yield Workload(f"round-trip/{transport}/64B", f"latency {transport} 64 {{}}",
                       time_of(low, must=must, aim=aim, also=("p99",)), "time",
                       [f"bare/round-trip/{bare}/spinning", f"bare/round-trip/{bare}/sleeping"],
                       core=True)


def fans():
    for what, label, must, aim in (("in", "8-push-1-pull", 2.5, 4), ("out", "pub-8-subs", 2, 4),
                                   ("out-all", "xpub-8-subs-no-drop", None, None),
                                   ("router", "router-8-dealers-100-each", None, None)):
        for transport in TRANSPORTS:
            goal = {"must": must, "aim": aim} if transport == "tcp" else {}
            yield Workload(f"{label}/{transport}/64B", f"fan {what} {transport} 64 {{}}",
                           rate("msg/s", **goal), "rate",
                           core=transport == "tcp" and what != "router")
    for transport in ("tcp", "ipc"):
        for peers in (1, 2, 3, 4, 8):
            # Waiting by polling must not lose with any number of peers.
            goal = {"must": 2, "aim": 3} if peers == 8 else {"must": NO_WORSE}
            yield Workload(f"echo-{peers}-dealers/{transport}/64B",
                           f"fan echo {transport} 64 {{}} {peers}", rate("req/s", **goal), "rate",
                           [f"bare/echo-8/{transport}/sleeping", f"bare/echo-8/{transport}/spinning"]
                           if peers == 8 else [], core=transport == "tcp")
    for transport in ("tcp", "inproc"):
        goal = {"must": 2, "aim": 4} if transport == "inproc" else {}
        yield Workload(f"proxy/{transport}/64B", f"proxy {transport} 64 {{}}",
                       rate("msg/s", **goal), "rate", core=transport == "inproc")


def many():
    for count in (100, 2000):
        yield Workload(f"poll/{count}-sockets", f"many poll {count} {{}}",
                       time_of(0.01, 1e6, 30, 100), "time", core=True, timed=False)
    yield Workload("poll-asleep/2000-sockets", "many asleep 2000 {}",
                   [Metric("us", 0.5, 1e6, most=200)], "time", core=True, timed=False)
    yield Workload("subscriptions/200000", "many subscriptions 200000 {}",
                   rate("sub/s", must=3, aim=5)
                   + [Metric("B", 5, 1e6, name="bytes_each", must=3, aim=6)],
                   "rate", core=True, timed=False)
    yield Workload("matching/200000", "many matching 200000 {}", rate("msg/s", must=2, aim=5),
                   "rate", core=True)
    for transport in ("tcp", "ipc"):
        goal = {"must": 5, "aim": 10} if transport == "ipc" else {}
        yield Workload(f"memory/{transport}-pair", f"many {transport}-pairs 200 {{}}",
                       [Metric("B", 100, 1e8, **goal)], core=transport == "ipc", timed=False)
    yield Workload("context/create-destroy", "many contexts 1 {}", time_of(0.05, 1e6, 5, 20),
                   "time", core=True)


def costs():
    """What must not be paid for speed."""
    yield Workload("idle/100-connections", "costs idle tcp 100 {}",
                   [Metric("%cpu", 1e-5, 400, most=1)], core=True, seconds=1)
    for what, label in (("push", "push-pull"), ("trip", "round-trip")):
        yield Workload(f"100-a-second/{label}/tcp", f"costs {what} tcp 100 {{}}",
                       [Metric("%cpu", 1e-3, 400, must=NO_WORSE)], core=True, seconds=1)
    yield Workload("10-a-second/round-trip/tcp", "costs rare tcp 10 {}",
                   [Metric("us", 2, 1e6, name="p99", must=NO_WORSE),
                    Metric("us", 2, 1e6, name="p50", must=NO_WORSE)], core=True, seconds=2)
    for what, label in (("alone", "idle"), ("beside", "busy")):
        yield Workload(f"one-processor/{label}/round-trip/tcp", f"costs {what} tcp 1000 {{}}",
                       [Metric("us", 2, 1e6, name=name, must=NO_WORSE)
                        for name in ("p99", "p50", "p90")], core=True, seconds=2)
    for transport in ("tcp", "inproc"):
        yield Workload(f"busy/4-pairs-of-threads/{transport}/64B", f"costs busy {transport} 4 {{}}",
                       rate("msg/s", must=NO_WORSE), "rate", core=True)
    yield Workload("busy/round-trip-beside-4-hogs/tcp", "costs hogs tcp 4 {}",
                   rate("trip/s", must=NO_WORSE), "rate", core=True)


def workloads():
    for group in (latency, throughput, long_messages, fans, many, costs):
        yield from group()


def bare():
    """What the kernel and the processors do without any library."""
    for transport, low in (("tcp", 1), ("ipc", 0.5), ("threads", 0.02)):
        for how, word in (("", "sleeping"), ("-spin", "spinning")):
            yield Workload(f"bare/round-trip/{transport}/{word}",
                           f"limits trip {transport}{how} 64 {{}}", time_of(low), "time")
    for transport in ("tcp", "ipc"):
        for size, label in SIZES:
            yield Workload(f"bare/stream/{transport}/{label}",
                           f"limits stream {transport} {size} {{}}", rate("msg/s", size), "rate")
            if size >= 65536:
                yield Workload(f"bare/stream/{transport}/{label}/spinning",
                               f"limits stream {transport}-spin {size} {{}}",
                               rate("msg/s", size), "rate")
        for size, label in LONG:
            for how in ("", "-short") if transport == "tcp" else ("",):
                yield Workload(f"bare/long/{transport}{how}/{label}",
                               f"limits long {transport}{how} {size} {{}}",
                               [Metric("msg/s", 1, 5e10 / size, more_is_better=True)]
                               + each_side(), "rate")
        for how, word in (("", "sleeping"), ("-spin", "spinning")):
            yield Workload(f"bare/echo-8/{transport}/{word}",
                           f"limits echo {transport}{how} 64 {{}}", rate("req/s"), "rate")
    for size, label in ((8, "8B"), (64, "64B")):
        yield Workload(f"bare/queue/threads/{label}", f"limits queue threads {size} {{}}",
                       rate("msg/s"), "rate")
