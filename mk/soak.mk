# All patterns on all transports, with kills, cut cables, slow readers and
# sockets that go from thread to thread: for 20 seconds in `make test`, for half
# an hour by itself. Needs root. SOAK="push dealer" runs only lanes of such names.
TEST_TARGETS += test-soak

.PHONY: test-soak soak

test-soak: stage
	python3 tests/soak/run.py --lib stage/lib --seconds 20 $(SOAK)

# SOAK_SECONDS=600 makes it shorter, SOAK_RATE=1000 busier.
soak: stage
	python3 tests/soak/run.py --lib stage/lib $(SOAK)
