# Model checking, and the tests under AddressSanitizer.
TEST_TARGETS += test-models test-asan

.PHONY: test-models test-asan

# Every interleaving of the queue, the pipe, the mailbox, the parker and the lock.
test-models:
	RUSTFLAGS="--cfg loom" CARGO_TARGET_DIR=target/loom $(CARGO) test --release --lib models 2>&1 | tee target/models.log
	@sh mk/sums.sh target/models.log

# Unit tests, and the C API from many threads, with leaks counted. The compiler
# has the sanitizer built in but offers it only to those who ask this way.
test-asan:
	RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zsanitizer=address" CARGO_TARGET_DIR=target/asan \
	    $(CARGO) test --target $(HOST) --lib --test misuse --test stream 2>&1 | tee target/asan.log
	@sh mk/sums.sh target/asan.log

HOST = $(shell rustc -vV | sed -n 's/^host: //p')
