#!/bin/sh
# Stands in front of the compiler (RUSTC_WRAPPER): our own crates get coverage
# counters and AddressSanitizer, other people's run at full speed.

compiler=$1
shift
case " $* " in
*/registry/* | *" --crate-name build_script_build "* | *" --print"* | *" -vV "*)
    exec "$compiler" "$@"
    ;;
esac
exec "$compiler" "$@" -Zsanitizer=address -Ccodegen-units=1 \
    -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares
