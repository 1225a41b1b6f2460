# Model checking.
TEST_TARGETS += test-models

.PHONY: test-models

# Every interleaving of the queue, the pipe, the mailbox, the parker and the lock.
test-models:
	RUSTFLAGS="--cfg loom" CARGO_TARGET_DIR=target/loom $(CARGO) test --release --lib models 2>&1 | tee target/models.log
	@sh mk/sums.sh target/models.log
