# Mutation testing: half an hour and more, so not part of `make test`.
.PHONY: mutants

# MUTANTS=src/pipe only that folder's. Needs cargo-mutants, which it installs in
# target/tools if it is missing. docs/mutants.md says what survives, and why.
mutants:
	python3 tests/mutants/run.py $(MUTANTS)
