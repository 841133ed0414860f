#!/usr/bin/env bash
# The C++ client as a library:
#   package_test.sh installed CMAKE BUILD
#     installs it from BUILD and, in a folder from which the checkout cannot be
#     found, builds and tests a project that uses it (tests/client/consumer)
#   package_test.sh alone CMAKE BUILD COMPILER_LAUNCHER
#     builds it in BUILD, from a copy of only what it needs and without wheels,
#     then does as above
set -euo pipefail
what="$1" cmake="$2" build="$3"

scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT

# Shows the output of a command only if it fails.
quietly() {
  "$@" >"$scratch/log" 2>&1 || { cat "$scratch/log"; return 1; }
}

if [[ "$what" == alone ]]; then
  source="$build-source"
  mkdir -p "$source"
  # Copies the times too, so that a second run builds only what has changed.
  for folder in CMakeLists.txt LICENSE deploy/cmake client proto support; do
    rm -rf "${source:?}/$folder"
    mkdir -p "$(dirname "$source/$folder")"
    cp -a "$folder" "$source/$folder"
  done
  for folder in environments examples gather load python run; do
    rm -rf "$source/client/$folder"
  done
  quietly "$cmake" -S "$source" -B "$build" -G Ninja \
    -DFORESIGHT_CLIENT_ONLY=ON -DFORESIGHT_DEPS="$scratch/none" \
    -DCMAKE_CXX_COMPILER_LAUNCHER="${4:-}"
  quietly "$cmake" --build "$build"
fi

"$cmake" --install "$build" --component client-library \
  --prefix "$scratch/prefix" >/dev/null
if grep -rq --include='*.cmake' "$build" "$scratch/prefix"; then
  echo "the installed CMake files name the build folder" >&2
  exit 1
fi

cp -r tests/client/consumer "$scratch/consumer"
cd "$scratch/consumer"
quietly "$cmake" -S . -B build -G Ninja -DCMAKE_BUILD_TYPE=Release \
  -DCMAKE_PREFIX_PATH="$scratch/prefix"
quietly "$cmake" --build build
build/robot_test

# Port 1 of this machine: nobody listens there.
build/drive 127.0.0.1:1 && exit 1
[[ $? == 3 ]]
