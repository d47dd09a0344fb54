#!/bin/sh
# Builds and runs the C++ tests of the addon and of the stand-in for libhailort: plainly, and once more with sanitizers
# (`run.sh plain`, `run.sh sanitize` for one; `run.sh thread` for the stand-in under the thread sanitizer).
set -eu
cd "$(dirname "$0")"

run() {
  cmake -S . -B "../build/test-$1" -DSANITIZE="$2" >/dev/null
  cmake --build "../build/test-$1" --parallel 2
  ctest --test-dir "../build/test-$1" --output-on-failure
}

standin() {
  cmake -S hailort -B "../build/standin-$1" -G Ninja -DSANITIZE="$2" >/dev/null
  cmake --build "../build/standin-$1"
  ctest --test-dir "../build/standin-$1" --output-on-failure
}

plain() { run plain OFF && standin plain OFF; }
sanitize() { run sanitize ON && standin sanitize address; }

case "${1:-both}" in
  plain) plain ;;
  sanitize) sanitize ;;
  thread) standin thread thread ;;
  both) plain && sanitize ;;
  *) echo "Expected plain, sanitize, thread or nothing, received $1" >&2 && exit 2 ;;
esac
