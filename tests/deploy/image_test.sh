#!/usr/bin/env bash
# Builds the images server and client with buildah and tries them as a runtime
# would run them. Not part of tests/run.sh: it takes minutes and must be root.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

usage() {
  cat <<TEXT
usage: tests/deploy/image_test.sh [--base IMAGE] [--packages DIR] [--ca FILE]

Builds with docker/build.sh, which gets these options; see its --help. Without
--base it makes a base image with debootstrap. Needs buildah, util-linux,
iproute2 and, without --base, debootstrap.
TEXT
}

base=""
options=()
while (($#)); do
  case "$1" in
    --base) base="${2:?--base needs an image}"; shift 2 ;;
    --packages | --ca) options+=("$1" "${2:?$1 needs a value}"); shift 2 ;;
    --help | -h) usage; exit 0 ;;
    *) echo "image_test.sh: unknown option: $1" >&2; usage >&2; exit 2 ;;
  esac
done
export STORAGE_DRIVER="${STORAGE_DRIVER:-vfs}"
export BUILDAH_ISOLATION="${BUILDAH_ISOLATION:-chroot}"
# buildah 1.28 reads no STORAGE_DRIVER of its own accord.
buildah() { command buildah --storage-driver "$STORAGE_DRIVER" "$@"; }

scratch="$(mktemp -d)"
containers=()
namespace=""  # The process that holds the server's namespaces.
clean() {
  [[ -z "$namespace" ]] || kill -KILL "$namespace" 2>/dev/null || true
  for container in "${containers[@]}"; do
    buildah rm "$container" >/dev/null || true
  done
  rm -rf "$scratch"
}
trap clean EXIT

checks=0
check() {  # WHAT COMMAND...
  local what="$1"
  shift
  if ! "$@"; then
    echo "FAILED: $what" >&2
    exit 1
  fi
  checks=$((checks + 1))
  echo "ok: $what"
}

# --- images ----------------------------------------------------------------------
if [[ -z "$base" ]]; then
  echo "== base image"
  debootstrap --variant=minbase bookworm "$scratch/base" >"$scratch/log" ||
    { tail "$scratch/log" >&2; exit 1; }
  container="$(buildah from scratch)"
  containers+=("$container")
  buildah add --quiet "$container" "$scratch/base" / >/dev/null
  base=localhost/foresight-base:bookworm
  buildah commit --quiet "$container" "$base" >/dev/null
fi
for target in server client; do
  docker/build.sh --tool buildah --base "$base" "${options[@]}" "$target"
done
version="$(sed -n 's/^project(foresight VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)"

# Sets ROOT to the root of TARGET's image and measures it.
open_image() {  # TARGET MOST_MB MOST_COMPRESSED_MB
  local container image="localhost/foresight-$1:$version" size compressed
  container="$(buildah from --pull-never "$image")"
  containers+=("$container")
  root="$(buildah mount "$container")"
  size=$(($(du --summarize --bytes "$root" | cut -f1) / 1000000))
  buildah push --quiet "$image" "oci:$scratch/$1" >/dev/null
  compressed=$(($(du --summarize --bytes "$scratch/$1" | cut -f1) / 1000000))
  echo "foresight-$1: $size MB, compressed $compressed MB"
  check "$1 is small" test "$size" -lt "$2" -a "$compressed" -lt "$3"
  check "$1 has no shell" test ! -e "$root/usr/bin/sh"
  check "$1 has its bill of materials" \
    grep -q '"name": "libc6"' "$root/usr/share/doc/foresight/sbom.spdx.json"
  check "$1 shows scanners its packages" \
    grep -q '^Version: ' "$root/var/lib/dpkg/status.d/libgrpc++1.51"
  buildah inspect --type image "$image" >"$scratch/$1.json"
  check "$1 has its version as a label" \
    grep -q "\"org.opencontainers.image.version\": \"$version\"" "$scratch/$1.json"
}
open_image client 150 60
client_root="$root"
open_image server 480 180
server_root="$root"

# Prints a field of the server image's configuration, a line per element.
config() {  # NAME...
  /usr/bin/python3 - "$scratch/server.json" "$@" <<'PYTHON'
import json, sys
value = json.load(open(sys.argv[1]))["Docker"]["config"]
for name in sys.argv[2:]:
    value = value[name]
print(value if isinstance(value, str) else "\n".join(value))
PYTHON
}
mapfile -t command < <(config Entrypoint; config Cmd)
mapfile -t health_check < <(config Healthcheck Test | tail -n +2)
user="$(config User)"
check "the image's user is 65532" test "$user" = 65532:65532

# --- the server, as process 1 of its namespaces, on a read-only root --------------
# shellcheck disable=SC2016  # The inner shell expands them.
unshare --mount --pid --net --fork --kill-child bash -c '
  set -e
  root="$1" user="$2" client_root="$3"
  shift 3
  ip link set lo up
  mount --bind "$root" "$root"
  mount -t tmpfs -o size=16m tmpfs "$root/tmp"
  mount -t tmpfs -o size=16m,uid=65532,gid=65532 tmpfs "$root/var/lib/foresight"
  mount -t proc proc "$root/proc"
  mount -t proc proc "$client_root/proc"
  mount -o remount,bind,ro "$root"
  exec setpriv --no-new-privs chroot --userspec="$user" "$root" "$@"
' - "$server_root" "$user" "$client_root" "${command[@]}" 2>"$scratch/server.log" &
namespace=$!

# Runs COMMAND beside the server. Its libraries are found by way of /proc.
inside() {  # ROOT COMMAND...
  local folder="$1"
  shift
  nsenter --target "$server" --mount --net --pid \
    chroot --userspec="$user" "$folder" "$@"
}
server=""
healthy() {
  for ((tries = 0; tries < 300; ++tries)); do
    server="$(pgrep --parent "$namespace" || true)"
    if [[ -n "$server" ]] &&
      inside "$server_root" "${health_check[@]}" 2>/dev/null; then
      return 0
    fi
    kill -0 "$namespace" 2>/dev/null || break
    sleep 0.2
  done
  cat "$scratch/server.log" >&2
  return 1
}
check "the health check passes" healthy
check "the server is process 1" grep -qP '^NSpid:\t\d+\t1$' "/proc/$server/status"
check "the server runs as 65532" grep -qP '^Uid:\t65532\t65532' "/proc/$server/status"
check "the server has no capabilities" \
  grep -qP '^CapEff:\t0+$' "/proc/$server/status"
read_only() {
  ! nsenter --target "$server" --mount touch "$server_root/x" 2>/dev/null
}
check "the root is read-only" read_only
check "a client plays through it" \
  inside "$client_root" /usr/bin/foresight-run --episodes 1 --max-steps 20 --quiet

ends_in_time() {
  local status=0
  kill -TERM "$server"
  # --shutdown-notice and --drain-timeout are 5.2 s in all.
  timeout 15 tail --pid "$namespace" -f /dev/null || return 1
  wait "$namespace" || status=$?
  namespace=""
  ((status == 0)) || { cat "$scratch/server.log" >&2; return 1; }
}
check "SIGTERM ends the server in time" ends_in_time
echo "$checks passed, 0 failed"
