# CURVE, PLAIN and ZAP between the reference library (Debian: libzmq3-dev) and ours.
TEST_TARGETS += test-security

.PHONY: test-security

test-security: stage
	python3 interop/security.py --lib stage/lib

# Branches and addresses that depend on secrets. Needs valgrind.
.PHONY: secrets

secrets: stage
	python3 interop/secrets.py stage/lib
