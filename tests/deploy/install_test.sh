#!/usr/bin/env bash
# install_test.sh CMAKE BUILD VERSION: installs the client library of a build
# into a folder, builds a plug-in elsewhere that uses it, and runs that.
set -euo pipefail
cmake="$1" build="$2" version="$3"

scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
"$cmake" --install "$build" --component client-library \
  --prefix "$scratch/prefix" >/dev/null

mkdir "$scratch/robot"
cp tests/deploy/consumer.cc "$scratch/robot/plugin.cc"
echo "int ConnectRobot(); int main() { return ConnectRobot(); }" \
  >"$scratch/robot/main.cc"
cat >"$scratch/robot/CMakeLists.txt" <<TEXT
cmake_minimum_required(VERSION 3.25)
project(robot LANGUAGES C CXX)
set(CMAKE_CXX_STANDARD 17)
find_package(foresight $version REQUIRED)
add_library(plugin SHARED plugin.cc)
target_link_libraries(plugin PRIVATE foresight::client)
add_executable(robot main.cc)
target_link_libraries(robot PRIVATE plugin)
TEXT
# From a folder from which the checkout cannot be found.
cd "$scratch/robot"
"$cmake" -S . -B build -G Ninja -DCMAKE_PREFIX_PATH="$scratch/prefix" \
  -DCMAKE_BUILD_TYPE=Release >configure.log 2>&1 ||
  { cat configure.log; exit 1; }
"$cmake" --build build >build.log 2>&1 || { cat build.log; exit 1; }
if grep -rq --include='*.cmake' "$build" "$scratch/prefix"; then
  echo "the installed CMake files name the build folder" >&2
  exit 1
fi
build/robot
