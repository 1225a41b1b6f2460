# make            release build, and an installed tree in stage/; with
#                 FEATURES=libsodium CURVE is that library's
# make install    PREFIX=/usr/local DESTDIR= LIBDIR=lib
# make header     include/zmq.h anew from the Rust sources
# make check      format, lints, unit tests, documentation: under two minutes
# make test       all checks; the last line says how many passed and failed
# make sanitize   all programs under the sanitizers and valgrind
# make mutants    mutation testing, see docs/mutants.md
# make clean
#
# mk/*.mk add targets of their own, and name in TEST_TARGETS what belongs to
# `make test`. Such a target ends with a line `N passed, N failed`.

PREFIX ?= /usr/local
DESTDIR ?=
LIBDIR ?= lib
CARGO ?= cargo

# libtool's 5.2.5 is what libzmq 4.3.5 installs, the newest release.
SO_MAJOR := libzmq.so.5
SO_FULL := libzmq.so.5.2.5
API_VERSION := 4.3.5

TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)
RELEASE := $(TARGET_DIR)/release
STATIC := $(RELEASE)/static/libzmq.a
STAGE := $(CURDIR)/stage
TEST_TARGETS :=

.PHONY: all build stage install header check docs test test-install clean

all: stage

build:
	$(CARGO) build --release --lib $(if $(FEATURES),--features $(FEATURES))
	@LD='$(LD)' AR='$(AR)' sh mk/static.sh $(RELEASE) $(STATIC)

stage: build
	rm -rf $(STAGE)
	$(MAKE) --no-print-directory install-only PREFIX=$(STAGE) DESTDIR=

install: build
	$(MAKE) --no-print-directory install-only

.PHONY: install-only
install-only: LIB = $(DESTDIR)$(PREFIX)/$(LIBDIR)
install-only: INCLUDE = $(DESTDIR)$(PREFIX)/include
# From the folder of libzmq.pc to the prefix.
install-only: UP = $(subst $() ,,$(patsubst %,/..,pkgconfig $(subst /, ,$(LIBDIR))))
install-only: FILL = sed -e 's|@UP@|$(UP)|g' -e 's|@LIBDIR@|$(LIBDIR)|g' \
	-e 's|@API_VERSION@|$(API_VERSION)|g' -e 's|@SO_MAJOR@|$(SO_MAJOR)|g' \
	-e 's|@SO_FULL@|$(SO_FULL)|g' -e 's|@STATIC_LIBS@|$(STATIC_LIBS)|g'
install-only:
	mkdir -p $(LIB)/pkgconfig $(LIB)/cmake/ZeroMQ $(INCLUDE)
	install -m 755 $(RELEASE)/libzmq.so $(LIB)/$(SO_FULL)
	ln -sf $(SO_FULL) $(LIB)/$(SO_MAJOR)
	ln -sf $(SO_FULL) $(LIB)/libzmq.so
	install -m 644 $(STATIC) $(LIB)/libzmq.a
	install -m 644 include/zmq.h include/zmq_utils.h $(INCLUDE)
	$(FILL) pkgconfig/libzmq.pc.in > $(LIB)/pkgconfig/libzmq.pc
	$(FILL) cmake/ZeroMQConfig.cmake.in > $(LIB)/cmake/ZeroMQ/ZeroMQConfig.cmake
	$(FILL) cmake/ZeroMQConfigVersion.cmake.in > $(LIB)/cmake/ZeroMQ/ZeroMQConfigVersion.cmake

# What a C program needs beside libzmq.a; the C compiler adds libc and libgcc.
STATIC_LIBS := $(if $(filter libsodium,$(FEATURES)),-lsodium )-lpthread -ldl -lm

header:
	FERROZMQ_BLESS=1 $(CARGO) test --quiet --test header the_header_is_what_the_sources_say

-include mk/*.mk

check:
	$(CARGO) fmt --check
	$(CARGO) clippy --lib --quiet -- -D warnings
	$(CARGO) clippy --all-targets --features testing --quiet -- -D warnings
	$(CARGO) test --quiet --lib --test layering
	$(MAKE) --no-print-directory docs

docs:
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --quiet --no-deps --document-private-items

test:
	@CARGO='$(CARGO)' MAKE='$(MAKE)' FERROZMQ_LIB='$(abspath $(RELEASE))/libzmq.so' \
		sh mk/test.sh test-install $(TEST_TARGETS)

test-install:
	@sh tests/install.sh

clean:
	$(CARGO) clean
	rm -rf stage build
