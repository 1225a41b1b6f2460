# Measures our library against the reference (Debian: libzmq3-dev), turn and
# turn about. BENCH="--only latency --rounds 3" passes options on.
.PHONY: bench

bench: stage
	python3 bench/run.py --lib stage/lib $(BENCH)

# The chart that README shows, from a run on two processors.
.PHONY: bench-chart
bench-chart: stage
	python3 bench/run.py --lib stage/lib --cpus 0,1 --svg docs/bench.svg $(BENCH)
