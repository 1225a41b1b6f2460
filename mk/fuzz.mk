# Coverage-guided fuzzing: docs/fuzzing.md. FUZZ="curve zap" runs some targets only.
.PHONY: fuzz test-fuzz-corpus

fuzz:
	python3 fuzz/run.py --seconds $(or $(FUZZ_SECONDS),60) $(FUZZ)

# The inputs that were kept, without the fuzzer. `make test` runs it with the
# other tests of cargo.
test-fuzz-corpus:
	@mkdir -p target
	$(CARGO) test --features testing --test fuzz_corpus 2>&1 | tee target/fuzz-corpus.log
	@sh mk/sums.sh target/fuzz-corpus.log
