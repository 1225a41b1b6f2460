# Tests through the C interface, against the reference library (Debian: libzmq3-dev).
TEST_TARGETS += test-capi test-capi-header test-coverage test-interop

.PHONY: test-capi test-capi-header test-coverage test-interop

# Every program of capi-tests/ on both libraries; the outputs must match.
test-capi: stage
	python3 capi-tests/run.py --lib stage/lib $(CAPI_TESTS)

# The same programs compiled with our header, which must make no difference.
test-capi-header: stage
	python3 capi-tests/run.py --lib stage/lib --include include --build build/capi-own-header $(CAPI_TESTS)

# Every public name has a test; docs/compatibility.md says which.
test-coverage:
	python3 capi-tests/coverage.py

# Both libraries talking to each other, and raw peers to both.
test-interop: stage
	python3 interop/run.py --lib stage/lib
