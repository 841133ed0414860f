#!/usr/bin/env bash
# Builds the fuzzers (preset fuzz: clang, libFuzzer, AddressSanitizer,
# UndefinedBehaviorSanitizer) and runs each. A crash stops it and leaves its
# input in build/fuzz/crashes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

usage() {
  cat <<TEXT
usage: tests/fuzz/run.sh [SECONDS [NAME...]]

  SECONDS  time for each fuzzer (default: 600)
  NAME     manifest, request, safetensors, snapshot or token_table (default:
           all)
TEXT
}
if [[ "${1:-}" == --help || "${1:-}" == -h ]]; then
  usage
  exit 0
fi
seconds="${1:-600}"
names=("${@:2}")
if ((${#names[@]} == 0)); then
  names=(manifest request safetensors snapshot token_table)
fi

cmake --preset fuzz >/dev/null
cmake --build --preset fuzz --target "${names[@]/%/_fuzzer}"

# Something to begin with; found inputs stay in the corpus for the next time.
corpus=build/fuzz/corpus
for name in "${names[@]}"; do
  mkdir -p "$corpus/$name"
done
seed() {  # NAME FILE
  if [[ -d "$corpus/$1" ]]; then
    cp "$2" "$corpus/$1/"
  fi
}
seed manifest tests/data/reference-halfcheetah/bundle.json
seed safetensors tests/fuzz/seeds/two.safetensors
seed token_table tests/fuzz/seeds/tokens
seed request tests/fuzz/seeds/session.requests

mkdir -p build/fuzz/crashes
for name in "${names[@]}"; do
  echo "== $name: $seconds s"
  # Error logs of the server's parts are of no interest here.
  "build/fuzz/fuzz/${name}_fuzzer" -max_total_time="$seconds" -timeout=60 \
    -rss_limit_mb=2048 -artifact_prefix=build/fuzz/crashes/ \
    -print_final_stats=1 -verbosity=1 "$corpus/$name" 2>&1 |
    grep -v " INFO " |
    tail -n 12
done
