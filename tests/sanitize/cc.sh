#!/bin/sh
# A C compiler for run.sh: compiles one program with a sanitizer, and links it
# with Rust's runtime of that sanitizer, which the library needs, instead of the
# C compiler's own. They understand the same instrumentation.

set -eu
program=
previous=
for word in "$@"; do
    [ "$previous" = -o ] && program=$word
    previous=$word
done
libraries="-lpthread -ldl -lm -lrt"
# The last arguments of the runner are libraries, which -c ignores.
cc -fsanitize="$SANITIZE" -c "$@" -o "$program.o"
exec cc -rdynamic -o "$program" "$program.o" -Wl,--whole-archive "$SANITIZE_RUNTIME" \
    -Wl,--no-whole-archive -L "$SANITIZE_LIB" -lzmq $libraries
