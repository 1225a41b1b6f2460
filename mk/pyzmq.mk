# pyzmq's own test suite on this library, against the reference (Debian:
# libzmq3-dev). Needs the network for pip, and minutes: not part of `make test`.
# PYZMQ="test_asyncio test_poll" runs some of its files only.
.PHONY: test-pyzmq

test-pyzmq: stage
	python3 bindings/pyzmq/run.py $(PYZMQ)
