# Model checking.
TEST_TARGETS += test-models

.PHONY: test-models

# Every interleaving of the queue, the pipe, the mailbox, the parker and the lock.
test-models:
	RUSTFLAGS="--cfg loom" CARGO_TARGET_DIR=target/loom $(CARGO) test --release --lib models 2>&1 | tee target/models.log
	@sh mk/sums.sh target/models.log

TEST_TARGETS += test-stand-ins

.PHONY: test-stand-ins

# The stand-ins for Linux's own calls (src/sys/unix/stand_ins) compile and keep the rules of sync.
test-stand-ins:
	RUSTFLAGS="--cfg stand_ins" CARGO_TARGET_DIR=target/stand_ins $(CARGO) test --lib -- sync:: sys:: 2>&1 | tee target/stand-ins.log
	@sh mk/sums.sh target/stand-ins.log
