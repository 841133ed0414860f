#!/usr/bin/env bash
# Builds the fuzzers (preset fuzz: clang, libFuzzer, AddressSanitizer,
# UndefinedBehaviorSanitizer) and runs each. A crash leaves its input in
# build/fuzz/crashes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

usage() {
  cat <<TEXT
usage: tests/fuzz/run.sh [--built] [SECONDS [NAME...]]

  --built  do not build: the fuzzers are there
  SECONDS  time for each fuzzer (default: 600)
  NAME     manifest, request, safetensors, snapshot or token_table (default:
           all)
TEXT
}
build=yes
case "${1:-}" in
  --help | -h) usage; exit 0 ;;
  --built) build=no; shift ;;
esac
seconds="${1:-600}"
names=("${@:2}")
if ((${#names[@]} == 0)); then
  names=(manifest request safetensors snapshot token_table)
fi

if [[ "$build" == yes ]]; then
  cmake --preset fuzz >/dev/null
  cmake --build --preset fuzz --target "${names[@]/%/_fuzzer}"
fi

# Prints the inputs that the fuzzer NAME starts from.
seeds() {  # NAME
  case "$1" in
    manifest) echo tests/data/reference-halfcheetah/bundle.json ;;
    request) echo tests/fuzz/seeds/{session,brief_session}.requests ;;
    safetensors) echo tests/fuzz/seeds/two.safetensors ;;
    snapshot) echo tests/fuzz/seeds/snapshot ;;
    token_table) echo tests/fuzz/seeds/tokens ;;
  esac
}

status=0
mkdir -p build/fuzz/crashes
for name in "${names[@]}"; do
  # Found inputs stay here for the next time.
  corpus="build/fuzz/corpus/$name"
  mkdir -p "$corpus"
  read -ra files <<<"$(seeds "$name")"
  cp "${files[@]}" "$corpus/"
  log="build/fuzz/$name.log"
  echo "== $name: $seconds s, log in $log"
  if "build/fuzz/fuzz/${name}_fuzzer" -max_total_time="$seconds" -timeout=600 \
    -rss_limit_mb=2048 -artifact_prefix="build/fuzz/crashes/$name-" \
    -print_final_stats=1 "$corpus" >"$log" 2>&1; then
    tail -n 6 "$log"
  else
    status=1
    # Leaves out the server's own log lines.
    grep -v ' INFO ' "$log" | tail -n 80
  fi
done
exit "$status"
