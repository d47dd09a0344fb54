#!/bin/sh
# Builds and runs the addon's C++ tests. Without a word: plainly and with the address sanitizer; with one or more of plain,
# sanitize (addresses and undefined behaviour), thread (data races) and valgrind: those. HAILSTREAM_STANDIN_SOURCE names
# the source folder of the stand-in for libhailort; where it is, the Hailo part is tested against it.
set -eu
cd "$(dirname "$0")"
standin="${HAILSTREAM_STANDIN_SOURCE:-$PWD/hailort}"

# Prints the folder of the stand-in built with the sanitizer $1, or nothing where there is no stand-in.
build_standin() {
  [ -f "$standin/CMakeLists.txt" ] || return 0
  folder="$PWD/../build/standin-$1"
  cmake -S "$standin" -B "$folder" -DSANITIZE="$1" -DSTANDIN_TESTS=OFF >&2
  cmake --build "$folder" --parallel 2 >&2
  echo "$folder"
}

build() {
  folder=$(build_standin "$2")
  cmake -S . -B "../build/test-$1" -DSANITIZE="$2" -DHAILSTREAM_STANDIN_DIR="$folder" >/dev/null
  cmake --build "../build/test-$1" --parallel 2
}

run() {
  build "$1" "$2"
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
for mode in ${*:-plain sanitize}; do
  case "$mode" in
    plain) run plain OFF ;;
    sanitize) run sanitize address ;;
    thread) run thread thread ;;
    valgrind) run_valgrind ;;
    *) echo "Expected plain, sanitize, thread or valgrind, received $mode" >&2 && exit 2 ;;
  esac
done
