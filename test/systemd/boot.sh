#!/bin/sh
# Boots the Debian root $1 with its own systemd: own processes, network, mounts and control groups. Ends when it is killed.
# Exit status 42, with the reason on stderr, where this machine does not allow that.
set -eu
cannot() { echo "$1" >&2; exit 42; }
hierarchy=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
[ -n "$hierarchy" ] || cannot 'no cgroup2 is mounted here'
group=$hierarchy/hailstream-test-$$
# The kernel takes a moment to give back what was killed.
remove_group() {
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    find "$group" -depth -type d -exec rmdir {} \; 2>/dev/null || true
    [ -d "$group" ] || return 0
    sleep 0.2
  done
}
trap remove_group EXIT
mkdir "$group" 2>/dev/null || cannot 'no control group can be made here'
unshare --pid --mount --net --uts --ipc true 2>/dev/null || cannot 'no namespaces can be made here'
sh -c 'echo $$ >"$2/cgroup.procs" && exec unshare --pid --mount --net --cgroup --uts --ipc --fork --kill-child sh "$1" "$3"' \
  sh "$(dirname "$0")/become-init.sh" "$group" "$1" &
child=$!
trap 'kill -9 $child 2>/dev/null; exit 0' TERM INT
wait $child || true
