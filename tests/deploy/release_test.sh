#!/usr/bin/env bash
# Installs the packages of deploy/package.sh on bare Debian 12 roots and runs the
# quickstart's evaluation there. Not part of tests/run.sh: it takes minutes and
# must be root.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

usage() {
  cat <<TEXT
usage: tests/deploy/release_test.sh [--packages DIR] [--root DIR] [--episodes N]

  --packages DIR  what deploy/package.sh made (default build/packages)
  --root DIR      a bare Debian 12, which is copied (default: debootstrap makes
                  one)
  --episodes N    episodes to play frozen and adapted (default 2)
TEXT
}

packages=build/packages
bare=""
episodes=2
while (($#)); do
  case "$1" in
    --packages) packages="${2:?--packages needs a folder}"; shift 2 ;;
    --root) bare="${2:?--root needs a folder}"; shift 2 ;;
    --episodes) episodes="${2:?--episodes needs a number}"; shift 2 ;;
    --help | -h) usage; exit 0 ;;
    *) echo "release_test.sh: unknown option: $1" >&2; usage >&2; exit 2 ;;
  esac
done

scratch="$(mktemp -d)"
clean() {
  local root
  for root in "$scratch"/{tarball,debian}; do
    if mountpoint --quiet "$root/proc"; then
      umount "$root/proc"
    fi
  done
  rm -rf --one-file-system "$scratch"
}
trap clean EXIT

if [[ -z "$bare" ]]; then
  echo "== bare Debian 12"
  bare="$scratch/bare"
  debootstrap --variant=minbase bookworm "$bare" >"$scratch/log" ||
    { tail "$scratch/log" >&2; exit 1; }
fi

bare_root() {  # NAME
  cp --archive "$bare" "$scratch/$1"
  cp /etc/resolv.conf "$scratch/$1/etc/"
  mount -t proc proc "$scratch/$1/proc"
}

in_root() {  # NAME COMMAND...
  local root="$scratch/$1"
  shift
  chroot "$root" /usr/bin/env -i PATH=/usr/bin:/bin:/usr/sbin:/sbin \
    DEBIAN_FRONTEND=noninteractive "$@"
}

# The quickstart's evaluation, as nobody, in an empty folder that is writable;
# then some steps with the engine that needs LibTorch.
# shellcheck disable=SC2016  # The inner shell expands them.
readonly evaluation='
set -eu
prefix="$1" episodes="$2" version="$3"
model="$prefix/share/foresight/models/halfcheetah-medium-replay"
cd "$(mktemp -d)"

serve() {  # OPTION...
  rm -f address
  "$prefix/bin/foresight-server" --model "$model" --listen 127.0.0.1:0 \
    --metrics-listen off --port-file address "$@" 2>log &
  server=$!
  tries=0
  until test -s address; do
    kill -0 "$server" || { cat log; exit 1; }
    tries=$((tries + 1))
    test "$tries" -lt 600
    sleep 0.1
  done
}
run() {  # OPTION...
  "$prefix/bin/foresight-run" --server "$(cat address)" --quiet "$@"
}
stop() {
  kill -TERM "$server"
  wait "$server"
}

test "$("$prefix/bin/foresight-server" --version)" = "foresight-server $version"
"$prefix/bin/foresight-inspect" "$model" >inspected
"$prefix/bin/foresight-bench" --cases 0 --seconds 0 >times
grep -q "^(1,5,10,1) diffusion *autograd" times
serve
run --episodes "$episodes" --json run.json
"$prefix/bin/foresight-gather" run.json --episodes "$episodes"
stop
serve --engine autograd
run --episodes 1 --max-steps 20
stop
'
evaluate() {  # NAME PREFIX
  in_root "$1" chroot --userspec=65534:65534 / /bin/sh -c "$evaluation" - \
    "$2" "$episodes" "$version"
}
version="$(sed -n 's/^project(foresight VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)"

echo "== the tarball"
bare_root tarball
tar --extract --directory "$scratch/tarball/opt" --file \
  "$packages/foresight-$version"-*.tar.gz
prefix="$(cd "$scratch/tarball" && echo opt/foresight-*)"
in_root tarball apt-get update -qq
mapfile -t needed <"$scratch/tarball/$prefix/share/doc/foresight/debian-packages"
in_root tarball apt-get install -qq --no-install-recommends "${needed[@]}" \
  >/dev/null
evaluate tarball "/$prefix"

echo "== the Debian packages"
bare_root debian
cp "$packages"/foresight-{server,tools,train,torch}_*.deb "$scratch/debian/root/"
in_root debian apt-get update -qq
in_root debian /bin/sh -c 'apt-get install -qq --no-install-recommends \
  /root/*.deb >/dev/null'
evaluate debian /usr
in_root debian foresight-train --version
echo "2 passed, 0 failed"
