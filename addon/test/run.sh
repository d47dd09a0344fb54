#!/bin/sh
# Builds and runs the addon's C++ tests: plainly, and once more with sanitizers (`run.sh plain` or `run.sh sanitize` for one).
set -eu
cd "$(dirname "$0")"

run() {
  cmake -S . -B "../build/test-$1" -DSANITIZE="$2" >/dev/null
  cmake --build "../build/test-$1" --parallel 2
  ctest --test-dir "../build/test-$1" --output-on-failure
}

case "${1:-both}" in
  plain) run plain OFF ;;
  sanitize) run sanitize ON ;;
  both) run plain OFF && run sanitize ON ;;
  *) echo "Expected plain, sanitize or nothing, received $1" >&2 && exit 2 ;;
esac
