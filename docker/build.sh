#!/usr/bin/env bash
# Builds an image of docker/Dockerfile with docker, buildah or podman.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
  cat <<TEXT
usage: docker/build.sh [OPTION...] TARGET

TARGET is server, server-cuda, client or train. The image is tagged
foresight-TARGET:VERSION; with --engines fused foresight-server:VERSION-fused.

  --base IMAGE     Debian 12 image to build from (default the Dockerfile's;
                   pin it by its digest: NAME@sha256:...)
  --engines E      all (default), or fused: a server without LibTorch
  --packages DIR   use the packages that deploy/package.sh made, built with the
                   same --engines and --cuda, instead of compiling
  --ca FILE        certificates to trust while building, behind a proxy that
                   needs that
  --tool TOOL      docker, buildah or podman (default: the first that works)

buildah and podman follow STORAGE_DRIVER and BUILDAH_ISOLATION: chroot works
where a container cannot be started, and vfs where overlays cannot be mounted.
TEXT
}

base="" engines=all packages="" ca="" tool="" target=""
while (($#)); do
  case "$1" in
    --base | --engines | --packages | --ca | --tool)
      (($# >= 2)) || { echo "build.sh: $1 needs a value" >&2; exit 2; }
      printf -v "${1#--}" %s "$2"
      shift 2 ;;
    --help | -h) usage; exit 0 ;;
    server | server-cuda | client | train)
      [[ -z "$target" ]] || {
        echo "build.sh: the targets $target and $1 are given, expected one" >&2
        exit 2
      }
      target="$1"
      shift ;;
    *) echo "build.sh: unknown option or target: $1" >&2; usage >&2; exit 2 ;;
  esac
done
[[ -n "$target" ]] || { echo "build.sh: no target given" >&2; exit 2; }
[[ "$engines" == all || ("$engines" == fused && "$target" == server) ]] || {
  echo "build.sh: --engines is '$engines'; expected all, or fused for server" >&2
  exit 2
}

if [[ -n "$packages" ]] && ! compgen -G "$packages/*.deb" >/dev/null; then
  echo "build.sh: --packages: $packages holds no .deb files, expected those of" \
    "deploy/package.sh" >&2
  exit 2
fi
if [[ -n "$ca" && ! -r "$ca" ]]; then
  echo "build.sh: --ca: $ca cannot be read, expected a file of certificates" >&2
  exit 2
fi
case "$tool" in
  "" | docker | buildah | podman) ;;
  *) echo "build.sh: --tool is '$tool'; expected docker, buildah or podman" >&2
     exit 2 ;;
esac

case "$target" in
  server*) component=server ;;
  client) component=tools ;;
  train) component=train ;;
esac

# A client without a daemon is not enough.
works() {  # TOOL
  command -v "$1" >/dev/null && "$1" info >/dev/null 2>&1
}
if [[ -z "$tool" ]]; then
  for tool in docker buildah podman none; do
    if works "$tool"; then
      break
    fi
  done
fi
if [[ "$tool" == none ]]; then
  echo "build.sh: neither docker, buildah nor podman works here" >&2
  exit 1
elif ! works "$tool"; then
  echo "build.sh: $tool does not work here: see '$tool info'" >&2
  exit 1
fi

version="$(sed -n 's/^project(foresight VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)"
tag="foresight-$target:$version"
if [[ "$engines" == fused ]]; then
  tag+=-fused
fi

# The tracked files, as they are now, and the packages.
context="$(mktemp -d)"
trap 'rm -rf "$context"' EXIT
git ls-files -z | tar --create --null --files-from - --ignore-failed-read |
  tar --extract --directory "$context"
if [[ -n "$packages" ]]; then
  cp "$packages"/*.deb "$context/docker/packages/"
fi

command=(--file "$context/docker/Dockerfile" --target "$target" --tag "$tag"
  --build-arg "COMPONENT=$component" --build-arg "ENGINES=$engines"
  --build-arg "VERSION=$version"
  --build-arg "REVISION=$(git rev-parse HEAD)")
if [[ -n "$base" ]]; then
  command+=(--build-arg "BASE_IMAGE=$base")
fi
if [[ "$target" == server-cuda ]]; then
  command+=(--build-arg CUDA=yes)
fi
if [[ -n "$ca" ]]; then
  command+=(--secret "id=ca,src=$ca")
fi
echo "== $tag, by $tool"
case "$tool" in
  docker) DOCKER_BUILDKIT=1 docker build "${command[@]}" "$context" ;;
  # Images in OCI's format have no health check. buildah 1.28 does
  # not read STORAGE_DRIVER by itself.
  *) "$tool" ${STORAGE_DRIVER:+--storage-driver "$STORAGE_DRIVER"} \
       build --format docker "${command[@]}" "$context" ;;
esac
