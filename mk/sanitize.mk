# The tests under AddressSanitizer, with leaks counted, and ThreadSanitizer.
TEST_TARGETS += test-asan-unit test-asan test-tsan

.PHONY: test-asan-unit test-asan test-tsan

test-asan-unit:
	RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zsanitizer=address" CARGO_TARGET_DIR=target/asan \
	    $(CARGO) test --target $(HOST) --lib 2>&1 | tee target/asan.log
	@sh mk/sums.sh target/asan.log

HOST = $(shell rustc -vV | sed -n 's/^host: //p')

# Integration tests and the C programs; CAPI_TESTS="router z85" names some of these.
test-asan:
	@CARGO='$(CARGO)' CAPI_TESTS='$(CAPI_TESTS)' sh tests/sanitize/run.sh address misuse stream stress

test-tsan:
	@CARGO='$(CARGO)' CAPI_TESTS='$(CAPI_TESTS)' sh tests/sanitize/run.sh thread misuse stress
