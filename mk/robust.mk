# Programs that try to make the library crash, hang, bloat or lose messages.
TEST_TARGETS += test-robust

.PHONY: test-robust soak-robust

test-robust: stage
	python3 tests/robust/run.py --lib stage/lib $(ROBUST)

# The same with as many rounds as the README names: an hour and more.
soak-robust: stage
	ROBUST_SCALE=$(or $(ROBUST_SCALE),100) python3 tests/robust/run.py --lib stage/lib --jobs 1 $(ROBUST)
