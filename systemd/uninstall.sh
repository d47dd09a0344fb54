#!/bin/sh
# Takes the service away. Settings, models and the user stay, unless --purge is given. May be run again.
#   sudo sh systemd/uninstall.sh [--purge] [--dry-run] [--root DIR]
set -eu

usage() {
  cat <<'END'
sudo sh systemd/uninstall.sh [--purge] [--dry-run] [--root DIR]
  --purge      remove settings, models and the user hailstream too
  --dry-run    say what would be done, change nothing
  --root DIR   uninstall from the system under DIR, which does not run
END
}
fail() { echo "uninstall: $1" >&2; exit "${2:-1}"; }

# step TEXT COMMAND…: says what it does, and does it unless this is a dry run.
step() {
  if [ "$dry" = 1 ]; then echo "would $1"; return; fi
  echo "uninstall: $1"
  shift
  "$@"
}

dry=0
purge=0
root=
while [ $# -gt 0 ]; do
  case $1 in
    --dry-run) dry=1 ;;
    --purge) purge=1 ;;
    --root) [ $# -ge 2 ] && [ -d "$2" ] || fail "expected a folder after --root, received '${2:-}'" 2; root=$(cd "$2" && pwd); shift ;;
    --help | -h) usage; exit 0 ;;
    *) usage >&2; fail "unknown option $1" 2 ;;
  esac
  shift
done
[ "$root" != / ] || root=

cmdline=$root/boot/firmware/cmdline.txt
mark=$root/etc/hailstream/.cmdline-changed

stop_service() {
  if [ -n "$root" ]; then systemctl --root="$root" -q disable hailstream.service
  elif [ -d /run/systemd/system ]; then systemctl -q disable --now hailstream.service
  else systemctl -q disable hailstream.service; fi
}

remove_program() {
  rm -rf "$root/opt/hailstream" "$root/opt/hailstream.new" "$root/var/cache/hailstream"
  rm -f "$root/etc/systemd/system/hailstream.service" "$root/etc/sysusers.d/hailstream.conf" \
    "$root/etc/tmpfiles.d/hailstream.conf" "$root/etc/udev/rules.d/99-hailstream.rules"
}

reload() {
  if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
  if [ -S /run/udev/control ]; then udevadm control --reload; fi
}

restore_cmdline() {
  if [ -e "$cmdline" ]; then
    sed '1s/ cgroup_enable=memory//' "$cmdline" >"$cmdline.new"
    mv "$cmdline.new" "$cmdline"
  fi
  rm -f "$mark"
}

remove_user() {
  if grep -q '^hailstream:' "$root/etc/passwd"; then userdel ${root:+-R "$root"} hailstream; fi
}

[ "$dry" = 1 ] || [ "$(id -u)" = 0 ] || fail 'expected to run as root: sudo sh systemd/uninstall.sh'
command -v systemctl >/dev/null || fail 'expected systemd (no systemctl here): there is no service to take away'
if [ -e "$root/etc/systemd/system/hailstream.service" ]; then
  step 'stop and disable hailstream.service' stop_service
fi
step "remove the program, the unit and its folders of cache" remove_program
[ -n "$root" ] || step 'reload systemd and udev' reload
[ ! -e "$mark" ] || step "take the memory controller out of $cmdline again (in effect after the next reboot)" restore_cmdline
if [ "$purge" = 1 ]; then
  step 'remove settings and models' rm -rf "$root/etc/hailstream" "$root/var/lib/hailstream"
  step 'remove the user hailstream' remove_user
elif [ "$dry" = 0 ]; then
  echo 'uninstall: done. Kept: /etc/hailstream, /var/lib/hailstream, the user hailstream (--purge removes them)'
fi
