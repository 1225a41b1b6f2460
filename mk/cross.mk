# The oldest compiler that is allowed, and other processors and C libraries. Needs
# Debian's rustc-web, which stands beside the compiler in use.
TEST_TARGETS += test-msrv test-cross

.PHONY: test-msrv test-cross

# The library built by Debian's compiler of the version in Cargo.toml, and used.
test-msrv:
	@sh tests/cross.sh oldest

# For Linux on aarch64, a program run under qemu; and a static program with musl.
test-cross:
	@sh tests/cross.sh others
