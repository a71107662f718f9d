#!/bin/sh
# A wrapper of rustc (RUSTC_WORKSPACE_WRAPPER) that makes a crate tell libFuzzer where it has been.
# Only crates of the workspace are compiled by it; their dependencies are those of every build.
exec "$@" \
    -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares
