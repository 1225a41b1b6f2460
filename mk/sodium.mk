# CURVE by libsodium (cargo feature `libsodium`; Debian: libsodium-dev) instead of our
# own ciphers: the same tests, and the reference library at the other end.
TEST_TARGETS += test-sodium

.PHONY: test-sodium

SODIUM_DIR := target/sodium
SODIUM_LIB := build/sodium/lib

test-sodium:
	@mkdir -p $(SODIUM_DIR) $(SODIUM_LIB)
	CARGO_TARGET_DIR=$(SODIUM_DIR) $(CARGO) test --features libsodium --lib -- curve security zap \
		2>&1 | tee $(SODIUM_DIR).log
	@sh mk/sums.sh $(SODIUM_DIR).log
	CARGO_TARGET_DIR=$(SODIUM_DIR) $(CARGO) build --features libsodium --lib
	cp $(SODIUM_DIR)/debug/libzmq.so $(SODIUM_LIB)/$(SO_MAJOR)
	python3 interop/security.py --lib $(SODIUM_LIB) --only curve
