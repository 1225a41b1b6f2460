# The tests under AddressSanitizer, with leaks counted, ThreadSanitizer, and valgrind.
TEST_TARGETS += test-asan-unit test-asan test-tsan test-valgrind-some

.PHONY: sanitize test-asan-unit test-asan test-tsan test-valgrind test-valgrind-some

# All of them, and all programs under each.
sanitize:
	@CARGO='$(CARGO)' MAKE='$(MAKE)' sh mk/test.sh --only test-asan-unit test-asan test-tsan test-valgrind

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

# The C programs on the library as it is: no access that memcheck objects to, and when a
# program has ended, not one byte of the library's left on the heap. A forked child, which
# begins with a copy of its parent's heap, is not judged. All of them take a minute or two.
VALGRIND = valgrind --quiet --num-callers=40 --leak-check=full --show-leak-kinds=all \
    --errors-for-leak-kinds=all --error-exitcode=9 --child-silent-after-fork=yes \
    --suppressions=$(CURDIR)/tests/sanitize/valgrind.supp

test-valgrind: stage
	python3 capi-tests/run.py --alone --timeout 240 --lib stage/lib --under '$(VALGRIND)' $(CAPI_TESTS)

# A few of them, for `make test`: all transports, mechanisms, threads of the library's own.
test-valgrind-some:
	@$(MAKE) --no-print-directory test-valgrind CAPI_TESTS='accept_filters curve fd_events heartbeat \
	    ipc_paths monitor_life msg_sendrecv poll_sockets pubsub_filter reqrep_many stream \
	    tcp_addresses timers zap'
