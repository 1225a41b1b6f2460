# Measures our library against the reference (Debian: libzmq3-dev), turn and
# turn about; docs/bench.md says how to read it.
#   make bench OMQ=1 ALL=1 BENCH="--only round-trip --rounds 3"
# OMQ=1 compares with the omq-libzmq crate too, ALL=1 measures more workloads.
.PHONY: bench bench-chart bench-omq

OMQ_VERSION := 0.8.0
OMQ_DIR := build/omq
BENCH_OTHERS := $(if $(OMQ),--other omq=$(OMQ_DIR)/lib) $(if $(ALL),--all)

bench: stage $(if $(OMQ),bench-omq)
	python3 bench/run.py --lib stage/lib $(BENCH_OTHERS) $(BENCH)

# The chart that README shows, from a run on two processors.
bench-chart: stage $(if $(OMQ),bench-omq)
	python3 bench/run.py --lib stage/lib --cpus 0,1 --svg docs/bench.svg $(BENCH_OTHERS) $(BENCH)

# Instructions a message, which are steady where times are not: against another build they may
# rise by 5 percent at most.
#   make instructions AGAINST=/somewhere/lib
.PHONY: instructions
instructions: stage
	python3 bench/instructions.py --lib stage/lib $(if $(AGAINST),--against $(AGAINST)) $(INSTRUCTIONS)

# Cost against the number of connections and of I/O threads.
.PHONY: bench-scale
bench-scale: stage
	python3 bench/scale.py --lib stage/lib $(BENCH_SCALE)

# Another drop-in, as crates.io has it, built as ours is. A few minutes, once.
bench-omq: $(OMQ_DIR)/lib/libzmq.so.5

define OMQ_MANIFEST
[package]
name = "omq-for-bench"
version = "0.0.0"
edition = "2021"

[dependencies]
omq-libzmq = "=$(OMQ_VERSION)"

[profile.release]
lto = "fat"
codegen-units = 1

[workspace]
endef
export OMQ_MANIFEST

$(OMQ_DIR)/lib/libzmq.so.5: mk/bench.mk
	mkdir -p $(OMQ_DIR)/src $(OMQ_DIR)/lib
	echo "$$OMQ_MANIFEST" > $(OMQ_DIR)/Cargo.toml
	touch $(OMQ_DIR)/src/lib.rs
	cd $(OMQ_DIR) && CARGO_TARGET_DIR=target $(CARGO) build --release -p omq-libzmq
	cp $(OMQ_DIR)/target/release/libomq_zmq.so $@
