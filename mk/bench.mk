# Measures our library against the reference (Debian: libzmq3-dev), turn and
# turn about. BENCH="--only latency --rounds 3" passes options on.
.PHONY: bench

bench: stage
	python3 bench/run.py --lib stage/lib $(BENCH)
