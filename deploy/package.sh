#!/usr/bin/env bash
# Builds the release and makes its packages: a Debian package per component,
# and one tarball of all of them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
  cat <<TEXT
usage: deploy/package.sh [OPTION...]

  --engines E   all (default), or fused: a server without LibTorch, 360 MB
                smaller, and no foresight-train
  --cuda        link LibTorch's CUDA libraries and ship them
                (deploy/install_dependencies.sh --cuda)
  --component C make only what server, tools or train needs, and no tarball
                (default all of them and the client library)
  --output DIR  where the packages go (default build/packages, and with
                another choice build/packages-fused or build/packages-cuda)

Needs what deploy/install_dependencies.sh installs.
TEXT
}

engines=all
component=all
variant=""
output=""
while (($#)); do
  case "$1" in
    --engines | --component | --output)
      (($# >= 2)) || { echo "package.sh: $1 needs a value" >&2; exit 2; }
      printf -v "${1#--}" %s "$2"
      shift 2 ;;
    --cuda) variant=-cuda; shift ;;
    --help | -h) usage; exit 0 ;;
    *) echo "package.sh: unknown option: $1" >&2; usage >&2; exit 2 ;;
  esac
done
case "$engines$variant" in
  all | all-cuda) libtorch=ON ;;
  fused) libtorch=OFF; variant=-fused ;;
  *) echo "package.sh: --engines is '$engines'; expected all or fused, and" \
          "fused without --cuda" >&2
     exit 2 ;;
esac
case "$component$libtorch" in
  allO* | serverO* | toolsO* | trainON) ;;
  trainOFF)
    echo "package.sh: --component is train, which needs --engines all" >&2
    exit 2 ;;
  *)
    echo "package.sh: --component is '$component'; expected server, tools or" \
      "train" >&2
    exit 2 ;;
esac
for tool in dpkg-shlibdeps file; do
  command -v "$tool" >/dev/null || {
    echo "package.sh: $tool is missing: run deploy/install_dependencies.sh" >&2
    exit 1
  }
done

server=(foresight-server foresight-bench)
tools=(foresight-run foresight-gather foresight-load foresight-inspect)
components="$component"
build="build/package$variant-$component"
case "$component" in
  all)
    components="server;tools;train;client-library"
    targets=("${server[@]}" "${tools[@]}" client-library)
    [[ "$libtorch" == OFF ]] || targets+=(foresight-train)
    build="build/package$variant" ;;
  tools) targets=("${tools[@]}") libtorch=OFF variant="" ;;
  server) targets=("${server[@]}") ;;
  train) targets=(foresight-train) ;;
esac
cuda=OFF
[[ "$variant" != -cuda ]] || cuda=ON
output="${output:-build/packages$variant}"
mkdir -p "$build" "$output"
output="$(realpath "$output")"

echo "== build"
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release \
  -DFORESIGHT_TESTS=OFF -DFORESIGHT_LIBTORCH="$libtorch" \
  -DFORESIGHT_CUDA="$cuda" -DFORESIGHT_VARIANT="$variant" \
  -DFORESIGHT_COMPONENTS="$components" \
  >"$build/configure.log" 2>&1 || { cat "$build/configure.log"; exit 1; }
cmake --build "$build" --target "${targets[@]}"

package() {  # GENERATOR
  (cd "$build" && cpack -G "$1" -B packages >cpack.log 2>&1) ||
    { cat "$build/cpack.log" >&2; exit 1; }
}

echo "== Debian packages"
rm -rf "$build/packages" "$build/debian-packages"
package DEB
if [[ "$component" == all ]]; then
  echo "== tarball"
  # The tarball lists the Debian packages that its programs need.
  for deb in "$build"/packages/foresight-*.deb; do
    dpkg-deb --field "$deb" Depends
  done | tr ',' '\n' | sed 's/ //g; s/(.*//; /^foresight/d' | sort -u \
    >"$build/debian-packages"
  package TGZ
fi

shopt -s nullglob
made=("$build"/packages/*.deb "$build"/packages/*.tar.gz)
mv "${made[@]}" "$output/"
echo "== packages in ${output#"$PWD"/}"
(cd "$output" && du -h --apparent-size "${made[@]##*/}")
