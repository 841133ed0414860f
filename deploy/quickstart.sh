#!/usr/bin/env bash
# From a bare Debian 12 to a controlled half-cheetah: installs what is missing,
# builds, starts a server, plays episodes through it, frozen and adapted on the
# same start states, prints the comparison and stops the server.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
  cat <<TEXT
usage: deploy/quickstart.sh [--episodes N] [--model DIR] [-- OPTION...]

  --episodes N  real 1000-step episodes to play frozen and adapted (default 4)
  --model DIR   the bundle to serve (default
                models/pretrained/halfcheetah-medium-replay)
  -- OPTION...  passed on to foresight-run, for example --horizon 3
TEXT
}

episodes=4
model=models/pretrained/halfcheetah-medium-replay
while (($#)); do
  case "$1" in
    --episodes | --model)
      (($# >= 2)) || { echo "quickstart.sh: $1 wants a value" >&2; exit 2; }
      [[ "$1" == --episodes ]] && episodes="$2" || model="$2"
      shift 2 ;;
    --help | -h) usage; exit 0 ;;
    --) shift; break ;;
    *) echo "quickstart.sh: unknown option: $1" >&2; usage >&2; exit 2 ;;
  esac
done
[[ "$episodes" =~ ^[1-9][0-9]*$ ]] || {
  echo "quickstart.sh: --episodes is '$episodes', expected 1 or more" >&2
  exit 2
}
[[ -f "$model/bundle.json" ]] || {
  echo "quickstart.sh: $model is no bundle: it has no bundle.json" >&2
  exit 2
}

deploy/install_dependencies.sh

echo "== build"
mkdir -p build
cmake --preset release >build/configure.log 2>&1 ||
  { cat build/configure.log; exit 1; }
cmake --build --preset release --target foresight-server foresight-run
bin=build/release/bin

scratch="$(mktemp -d)"
server=
stop() {
  if [[ -n "$server" ]]; then
    kill -TERM "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
    server=
  fi
  rm -rf "$scratch"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

log=build/quickstart-server.log
echo "== server (its log: $log)"
"$bin/foresight-server" --model "$model" --listen 127.0.0.1:0 \
  --metrics-listen 127.0.0.1:0 --port-file "$scratch/address" 2>"$log" &
server=$!
waited=0
until [[ -s "$scratch/address" ]]; do
  if ! kill -0 "$server" 2>/dev/null || ((waited++ == 300)); then
    echo "quickstart.sh: the server does not serve:" >&2
    tail -n 5 "$log" >&2
    exit 1
  fi
  sleep 0.1
done

echo "== episodes"
"$bin/foresight-run" --server "$(<"$scratch/address")" \
  --episodes "$episodes" "$@"
