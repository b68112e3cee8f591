#!/bin/sh
# Compiles the programs with the pinned compiler. Another one makes other objects.
set -eu
cd "$(dirname "$0")"
for tool in clang-14 llvm-strip-14; do
  command -v "$tool" >/dev/null || { echo "$tool is missing: apt-get install clang-14 llvm-14 libbpf-dev"; exit 1; }
done
[ -f /usr/include/bpf/bpf_helpers.h ] || { echo "bpf/bpf_helpers.h is missing: apt-get install libbpf-dev"; exit 1; }
clang-14 --version | head -1
go generate .
