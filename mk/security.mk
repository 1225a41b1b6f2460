# CURVE, PLAIN and ZAP between the reference library (Debian: libzmq3-dev) and ours.
TEST_TARGETS += test-security

.PHONY: test-security

test-security: stage
	python3 interop/security.py --lib stage/lib
