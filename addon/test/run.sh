#!/bin/sh
# Builds and runs the addon's C++ tests. Without a word: all of them under the sanitizers of addresses and undefined
# behaviour; with one or more of plain, sanitize (the same as no word), thread (data races) and valgrind: those. The Hailo
# part is tested against the stand-in for libhailort, whose own tests run with it.
set -eu
cd "$(dirname "$0")"

build() {
  standin="$PWD/../build/standin-$2"
  cmake -S hailort -B "$standin" -DSANITIZE="$2" -DSTANDIN_TESTS=ON >/dev/null
  cmake --build "$standin" --parallel 2
  cmake -S . -B "../build/test-$1" -DSANITIZE="$2" -DHAILSTREAM_STANDIN_DIR="$standin" >/dev/null
  cmake --build "../build/test-$1" --parallel 2
}

run() {
  build "$1" "$2"
  ctest --test-dir "../build/standin-$2" --output-on-failure
  ctest --test-dir "../build/test-$1" --output-on-failure
}

# One line a program, and in the end ctest's words for how many failed.
run_valgrind() {
  build plain OFF
  failed=0
  total=0
  for program in ../build/test-plain/*_test; do
    total=$((total + 1))
    if timeout 900 valgrind -q --error-exitcode=9 --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite "$program" >"$program.log" 2>&1; then
      echo "clean   $(basename "$program")"
    else
      failed=$((failed + 1))
      echo "FAILED  $(basename "$program")" && cat "$program.log"
    fi
  done
  echo "valgrind: $failed tests failed out of $total"
  [ "$failed" -eq 0 ]
}

export HAILORT_LOGGER_PATH=NONE
for mode in ${*:-sanitize}; do
  case "$mode" in
    plain) run plain OFF ;;
    sanitize) run sanitize address ;;
    thread) run thread thread ;;
    valgrind) run_valgrind ;;
    *) echo "Expected plain, sanitize, thread or valgrind, received $mode" >&2 && exit 2 ;;
  esac
done
