"""A pytest plugin: writes what happens to each test as it happens.

One JSON object a line into the file named by PYZMQ_RECORD. A test that has
begun and has no outcome took the whole process with it.
"""

import json
import os

import zmq

PATH = os.environ["PYZMQ_RECORD"]
WORST = ["passed", "skipped", "xfailed", "failed"]
outcomes = {}


# The tests of what later releases of libzmq no longer have ask for the version
# only; this library still has it.
if "PYZMQ_CLAIM" in os.environ:
    claim = tuple(int(n) for n in os.environ["PYZMQ_CLAIM"].split("."))
    zmq.zmq_version_info = lambda: claim


def write(**entry):
    with open(PATH, "a", encoding="utf-8") as out:
        out.write(json.dumps(entry) + "\n")


def pytest_runtest_logstart(nodeid):
    outcomes[nodeid] = ("passed", "")
    write(test=nodeid, outcome="begun")


def pytest_runtest_logreport(report):
    if report.outcome == "rerun":
        return
    now = "xfailed" if hasattr(report, "wasxfail") else report.outcome
    before, why = outcomes[report.nodeid]
    if WORST.index(now) > WORST.index(before):
        why = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
        outcomes[report.nodeid] = (now, why)


def pytest_runtest_logfinish(nodeid):
    outcome, why = outcomes[nodeid]
    write(test=nodeid, outcome=outcome, why=why)


def pytest_collectreport(report):
    if report.failed:
        write(test=f"{report.nodeid} (collection)", outcome="failed", why=report.longreprtext)
