#!/usr/bin/env bash
# Builds the images server and client with buildah and tries them as a runtime
# would run them. Must be root. Ends with 77 (skipped) where no image can be
# built.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

usage() {
  cat <<TEXT
usage: tests/deploy/image_test.sh [--base IMAGE] [--packages DIR] [--ca FILE]
                                  [--make-packages]

Builds with docker/build.sh, which gets the first three options; see its --help.
Without --base it makes a base image with debootstrap, and keeps no image.
--make-packages makes the packages first, in build/packages-of-test. Needs
buildah, util-linux, iproute2, procps and, without --base, debootstrap.
TEXT
}

base=""
make_packages=no
options=()
while (($#)); do
  case "$1" in
    --base) base="${2:?--base needs an image}"; shift 2 ;;
    --packages | --ca) options+=("$1" "${2:?$1 needs a value}"); shift 2 ;;
    --make-packages) make_packages=yes; shift ;;
    --help | -h) usage; exit 0 ;;
    *) echo "image_test.sh: unknown option: $1" >&2; usage >&2; exit 2 ;;
  esac
done
export STORAGE_DRIVER="${STORAGE_DRIVER:-vfs}"
export BUILDAH_ISOLATION="${BUILDAH_ISOLATION:-chroot}"
# buildah 1.28 does not read STORAGE_DRIVER by itself.
buildah() { command buildah --storage-driver "$STORAGE_DRIVER" "$@"; }

skip() {  # WHY
  echo "skipped: $1"
  exit 77
}
((EUID == 0)) || skip "it must be root"
for tool in buildah debootstrap ip nsenter pgrep setpriv; do
  [[ "$tool" == debootstrap && -n "$base" ]] || type -P "$tool" >/dev/null ||
    skip "$tool is missing: deploy/install_dependencies.sh --checks"
done
unshare --mount --pid --net --fork true 2>/dev/null ||
  skip "no namespaces can be made here"

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
if [[ -z "$base" ]]; then  # Else the image is in the user's own store.
  cat >"$scratch/storage.conf" <<TEXT
[storage]
driver = "$STORAGE_DRIVER"
graphroot = "$scratch/storage"
runroot = "$scratch/storage-run"
TEXT
  export CONTAINERS_STORAGE_CONF="$scratch/storage.conf"
fi
buildah info >/dev/null 2>&1 || skip "buildah does not work here"

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
    { tail "$scratch/log" >&2; skip "debootstrap fails"; }
  container="$(buildah from scratch)"
  containers+=("$container")
  buildah add --quiet "$container" "$scratch/base" / >/dev/null
  base=localhost/foresight-base:bookworm
  buildah commit --quiet "$container" "$base" >/dev/null
fi
if [[ "$make_packages" == yes ]]; then
  packages=build/packages-of-test
  rm -rf "$packages"
  deploy/package.sh --output "$packages"
  options+=(--packages "$packages")
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

# Runs COMMAND beside the server. Its libraries are found through /proc.
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
