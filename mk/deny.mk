# Licences, sources and versions of the dependencies, as deny.toml has them. Needs
# cargo-deny, which it installs in target/tools if it is missing: as long a build as all of
# `make test` may add, so it is not part of it.
.PHONY: test-deny advisories

test-deny:
	@CARGO='$(CARGO)' sh mk/deny.sh licenses bans sources

# Known faults of the dependencies. Fetches the RustSec database with git.
advisories:
	@CARGO='$(CARGO)' sh mk/deny.sh advisories
