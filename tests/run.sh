#!/usr/bin/env bash
# Runs every check: the format, the build with -Werror, clang-tidy on the changed
# lines (tests/tidy.py) and every test of CTest. Then checks the code that needs no
# LibTorch again: with clang (thread safety; no tests), with AddressSanitizer and
# UBSan, and with ThreadSanitizer. Then runs the fuzzers, for some seconds each.
# The last line counts the tests; a part that does not build counts as a failed one.
# Installs what the checks need, unless it is there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
  cat <<TEXT
usage: tests/run.sh [--quick] [--only PATH] [ctest arguments]

  --quick       only the release build
  --only PATH   only tests of this folder or file: server/scheduling or
                server/scheduling/scheduler, also spelled as a file
                (server/scheduling/scheduler.cc, or its test's) or as a target
                (server.scheduling.scheduler_test)
TEXT
}

parts=(release clang asan tsan)
only=""
ctest_arguments=()
while (($# > 0)); do
  case "$1" in
    --quick) parts=(release); shift ;;
    --only) only="${2:?--only needs a path}"; shift 2 ;;
    --help | -h) usage; exit 0 ;;
    *) ctest_arguments=("$@"); break ;;
  esac
done
# To server/scheduling/scheduler.
only="${only%/}"
only="${only#./}"
only="${only#tests/}"
only="${only%.cc}" only="${only%.h}" only="${only%.py}" only="${only%.sh}"
only="${only%_test}"
[[ "$only" == */* ]] || only="${only//.//}"
only="${only/#client\/include\/foresight/client}"
if [[ -n "$only" && ! -d "tests/$only" ]] &&
  ! compgen -G "tests/${only}_test.*" >/dev/null; then
  echo "$0: there is no test tests/${only}_test.*, nor a folder" >&2
  exit 2
fi
# Only a run of all tests includes the fuzzers.
if ((${#parts[@]} > 1 && ${#ctest_arguments[@]} == 0)) && [[ -z "$only" ]]; then
  parts+=(fuzz)
fi

status=0
results=()  # JUnit files.
broken=()   # Failures besides tests, as arguments of count.py.

# Prints the targets of the tests that --only names; nothing without --only.
target() {
  if [[ -z "$only" ]]; then
    return
  elif [[ -d "tests/$only" ]]; then
    echo "tests/$only/all"
  elif [[ -f "tests/${only}_test.cc" ]]; then
    echo "${only//\//.}_test"
  else  # A script, which may run any of the programs.
    echo server/all client/all models/all
  fi
}

# The sanitizers run the tests of these folders, where threads meet, but not those
# of their subfolders. ThreadSanitizer's build lacks some of the tests
# (tests/CMakeLists.txt).
sanitized=(server/scheduling server/sessions server/decisions server/service
  client)

# Prints the targets of those folders' tests that the preset builds.
sanitized_targets() {  # PRESET
  local folder test name
  for folder in "${sanitized[@]}"; do
    for test in "tests/$folder"/*_test.cc; do
      name="${folder//\//.}.$(basename "$test" .cc)"
      if ninja -C "build/$1" -t query "$name" >/dev/null 2>&1; then
        echo "$name"
      fi
    done
  done
}

build() {  # PRESET
  local log="build/$1-configure.log" targets=()
  mkdir -p build
  cmake --preset "$1" >"$log" 2>&1 || { cat "$log"; return 1; }
  read -ra targets <<<"$(target)"
  if [[ -z "$only" && "$1" == [at]san ]]; then
    mapfile -t targets < <(sanitized_targets "$1")
  fi
  cmake --build --preset "$1" ${targets:+--target "${targets[@]}"}
}

# Whether the preset builds what --only names.
covers() {  # PRESET
  local name
  read -r name _ <<<"$(target)"
  [[ -z "$name" ]] || ninja -C "build/$1" -t query "$name" >/dev/null 2>&1
}

run_tests() {  # PRESET
  local file="$PWD/build/$1/Testing/results.xml" arguments=(--no-tests=error)
  mkdir -p "build/$1/Testing"
  rm -f "$file"
  if [[ -n "$only" ]]; then
    arguments+=(-R "^${only}(/|_test(:|\$))")
  elif [[ "$1" == [at]san ]]; then
    arguments+=(-R "^($(IFS='|'; echo "${sanitized[*]}"))/[a-z0-9_]+_test:"
      -E "/package_test:")  # It has a build of its own.
  fi
  if ((${#ctest_arguments[@]} > 0)) && [[ "$1" != release ]]; then
    arguments=(--no-tests=ignore)  # They may be about LibTorch.
  fi
  ctest --preset "$1" --parallel "$(nproc)" --output-junit "$file" \
    "${arguments[@]}" "${ctest_arguments[@]}" | grep -v ' Start ' || status=1
  if [[ -f "$file" ]]; then
    results+=("$file")
  fi
}

if [[ "${parts[*]}" == *tsan* ]]; then
  echo "== dependencies"
  deploy/install_dependencies.sh --checks
fi

echo "== format"
git ls-files -z -- '*.h' '*.cc' | xargs -0 -r clang-format --dry-run --Werror ||
  broken+=(--broken format)

for part in "${parts[@]}"; do
  begin=$SECONDS
  echo "== $part: build"
  if ! build "$part"; then
    if [[ "$part" != release && -n "$only" ]] && ! covers "$part"; then
      echo "$part does not build $only"
      continue
    fi
    broken+=(--broken "$part: build")
    continue
  fi
  # clang-tidy needs the generated headers of all parts.
  if [[ "$part" == release && -z "$only" ]]; then
    echo "== clang-tidy"
    /usr/bin/python3 tests/tidy.py || broken+=(--broken clang-tidy)
  fi
  if [[ "$part" != clang ]]; then
    echo "== $part: tests"
    run_tests "$part"
  fi
  echo "== $part: $((SECONDS - begin)) s"
done

/usr/bin/python3 tests/count.py "${broken[@]}" "${results[@]}" || status=1
exit "$status"
