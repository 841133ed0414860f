#!/usr/bin/env bash
# Everything that is tested: the format, the build with -Werror, and every test
# of CTest (unit, integration, layering). The last line counts the tests.
# usage: tests/run.sh [ctest arguments, such as -R session]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

echo "== format"
git ls-files -z -- '*.h' '*.cc' | xargs -0 -r clang-format --dry-run --Werror

echo "== build"
mkdir -p build
cmake --preset release >build/configure.log 2>&1 ||
  { cat build/configure.log; exit 1; }
cmake --build --preset release

echo "== tests"
mkdir -p build/release/Testing
results=build/release/Testing/results.xml
rm -f "$results"
status=0
ctest --preset release --parallel "$(nproc)" --output-junit "$PWD/$results" \
  --no-tests=error "$@" | grep -v ' Start ' || status=$?
/usr/bin/python3 tests/count.py "$results" || status=$?
exit "$status"
