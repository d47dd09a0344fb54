#!/bin/sh
# Installs the built checkout as a service of systemd. Running it again updates the program and keeps settings and models.
#   sudo sh systemd/install.sh [--dry-run] [--root DIR]
set -eu
umask 022

usage() {
  cat <<'END'
sudo sh systemd/install.sh [--dry-run] [--root DIR]
  --dry-run    say what would be done, change nothing
  --root DIR   install into the system under DIR, which does not run: nothing is started
END
}
fail() { echo "install: $1" >&2; exit "${2:-1}"; }
warn() { echo "install: warning: $1" >&2; }

# step TEXT COMMAND…: says what it does, and does it unless this is a dry run.
step() {
  if [ "$dry" = 1 ]; then echo "would $1"; return; fi
  echo "install: $1"
  shift
  "$@"
}

dry=0
root=
while [ $# -gt 0 ]; do
  case $1 in
    --dry-run) dry=1 ;;
    --root) [ $# -ge 2 ] && [ -d "$2" ] || fail "expected a folder after --root, received '${2:-}'" 2; root=$(cd "$2" && pwd); shift ;;
    --help | -h) usage; exit 0 ;;
    *) usage >&2; fail "unknown option $1" 2 ;;
  esac
  shift
done
[ "$root" != / ] || root=

here=$(cd "$(dirname "$0")" && pwd)
checkout=$(dirname "$here")
state=${HAILSTREAM_STATE:-$checkout/.state}
program=$root/opt/hailstream
settings=$root/etc/hailstream
data=$root/var/lib/hailstream
cmdline=$root/boot/firmware/cmdline.txt
reboot=

check() {
  [ "$dry" = 1 ] || [ "$(id -u)" = 0 ] || fail 'expected to run as root: sudo sh systemd/install.sh'
  command -v systemctl >/dev/null || fail 'expected systemd (no systemctl here): start the engine with npm start instead'
  [ "$dry" = 1 ] || [ -n "$root" ] || [ -d /run/systemd/system ] ||
    fail 'expected a machine started by systemd: start the engine with npm start, or give --root DIR'
  for file in dist/engine/main.js dist/web/index.html addon/build/Release/hailstream.node node_modules; do
    [ -e "$checkout/$file" ] || fail "expected $file in $checkout: run node setup.mjs there first"
  done
  command -v node >/dev/null || fail "expected node in PATH: sudo env \"PATH=\$PATH\" sh systemd/install.sh"
  node=$(node -p process.execPath)
}

# The addon with HailoRT is built where HailoRT is installed, the one with the simulated device for who has asked for that.
built_addons() {
  for file in addon/build/Release/*.node addon/build/standin-OFF/hailort-standin-device \
    addon/build/standin-OFF/hailort-standin-hef; do
    [ ! -e "$file" ] || echo "$file"
  done
}

# The program is copied, since the unit may not look into home folders, and no user but root may change what runs.
copy_program() {
  rm -rf "$program.new"
  mkdir -p "$program.new"
  (cd "$checkout" && built_addons | tar -c \
    --exclude='node_modules/.*' --exclude='node_modules/@biomejs' --exclude='node_modules/@swc' \
    --exclude='node_modules/dependency-cruiser' --exclude='node_modules/playwright-core' \
    --exclude='node_modules/*/bin/*/darwin' --exclude='node_modules/*/bin/*/win32' \
    --exclude='*/uws_darwin_*' --exclude='*/uws_win32_*' --exclude='*.tsbuildinfo' \
    --files-from=- package.json README.md pipelines dist/engine dist/web engine/inference/models \
    node_modules) | tar -x --no-same-owner -C "$program.new"
  case $node in
    /usr/* | /opt/*) ;;
    *) mkdir "$program.new/bin" && cp "$node" "$program.new/bin/node" ;;
  esac
  chmod -R go-w,a+rX "$program.new"
  rm -rf "$program"
  mv "$program.new" "$program"
}

node_path() {
  case $node in
    /usr/* | /opt/*) echo "$node" ;;
    *) echo /opt/hailstream/bin/node ;;
  esac
}

copy_units() {
  mkdir -p "$root/etc/systemd/system" "$root/etc/sysusers.d" "$root/etc/tmpfiles.d" "$root/etc/udev/rules.d"
  sed "s#^ExecStart=/usr/bin/node #ExecStart=$(node_path) #" "$here/hailstream.service" \
    >"$root/etc/systemd/system/hailstream.service"
  cp "$here/hailstream.sysusers.conf" "$root/etc/sysusers.d/hailstream.conf"
  cp "$here/hailstream.tmpfiles.conf" "$root/etc/tmpfiles.d/hailstream.conf"
  cp "$here/99-hailstream.rules" "$root/etc/udev/rules.d/99-hailstream.rules"
}

make_users_and_folders() {
  systemd-sysusers ${root:+--root="$root"} "$root/etc/sysusers.d/hailstream.conf"
  systemd-tmpfiles ${root:+--root="$root"} --create "$root/etc/tmpfiles.d/hailstream.conf"
}

# What is there already belongs to whoever runs this machine.
write_settings() {
  if [ ! -e "$settings/hailstream.yaml" ]; then
    cat >"$settings/hailstream.yaml" <<'END'
# Settings of the hailstream service: every key is in the README. After a change: systemctl restart hailstream
compat: { ollama: true }
END
  fi
  for file in "$checkout"/pipelines/*.yaml; do
    [ -e "$settings/pipelines/$(basename "$file")" ] || cp "$file" "$settings/pipelines/"
  done
}

# Models that set-up has converted and the demo's clip, so that the service need not make them again.
copy_data() {
  for folder in models media; do
    [ -d "$state/$folder" ] || continue
    mkdir -p "$data/$folder"
    cp -Rn "$state/$folder/." "$data/$folder/" 2>/dev/null || true
  done
  chown -R "$(awk -F: '$1 == "hailstream" { print $3 ":" $4 }' "$root/etc/passwd")" "$data"
}

# Raspberry Pi OS starts with the memory controller off; without it the unit's MemoryMax means nothing.
enable_memory_limit() {
  sed '1s/[[:space:]]*$/ cgroup_enable=memory/' "$cmdline" >"$cmdline.new"
  mv "$cmdline.new" "$cmdline"
  : >"$settings/.cmdline-changed"
}

check_memory_limit() {
  [ -e "$cmdline" ] || return 0
  [ -n "$root" ] || ! grep -qw memory /sys/fs/cgroup/cgroup.controllers 2>/dev/null || return 0
  if grep -qw cgroup_enable=memory "$cmdline"; then
    [ -n "$root" ] || reboot="$reboot the memory limit;"
    return 0
  fi
  step "switch the memory controller on in $cmdline" enable_memory_limit
  reboot="$reboot the memory limit;"
}

check_hailo() {
  for device in "$root"/dev/hailo*; do
    [ -e "$device" ] || continue
    echo "install: $device found; other programs that use it must be in group hailo"
    return 0
  done
  if [ -z "$root" ] && { modinfo hailo_pci || modinfo hailo1x_pci; } >/dev/null 2>&1; then
    warn 'the Hailo driver is installed but has no device: models run on the CPU until it has one'
    grep -qs 0x1e60 /sys/bus/pci/devices/*/vendor && reboot="$reboot the Hailo driver;"
    return 0
  fi
  warn 'no Hailo driver: models run on the CPU. For the AI HAT+ 2: apt install hailo-h10-all, then reboot'
}

check_hailort() {
  for library in "$root"/usr/lib/libhailort.so* "$root"/usr/lib/*/libhailort.so* "$root"/usr/local/lib/libhailort.so*; do
    [ -e "$library" ] || continue
    [ -e "$checkout/addon/build/Release/hailstream-hailo.node" ] ||
      warn "HailoRT came after $checkout was set up: run node setup.mjs there and install again to use the device"
    return 0
  done
}

# The engine runs as another user, for whom GStreamer has not looked at its plug-ins yet: seconds no camera should wait for.
scan_gstreamer() {
  (cd /opt/hailstream && runuser -u hailstream -- env XDG_CACHE_HOME=/var/cache/hailstream \
    GST_REGISTRY=/var/cache/hailstream/gstreamer-registry.bin "$(node_path)" \
    -e "new (require('gstreamer-superficial').Pipeline)('fakesrc ! fakesink')") ||
    warn 'GStreamer did not start; the journal will say more'
}

start_service() {
  systemctl daemon-reload
  if [ -S /run/udev/control ]; then
    udevadm control --reload
    udevadm trigger --action=change
  fi
  systemctl restart hailstream.service || fail 'the service did not start; see: journalctl -u hailstream -e'
}

check
step "copy the program to $program" copy_program
step 'install the unit, its user, folders and udev rule' copy_units
step 'make user hailstream, groups and folders' make_users_and_folders
step "write the settings that $settings lacks" write_settings
step "copy models and media to $data" copy_data
check_memory_limit
check_hailo
check_hailort
step 'enable hailstream.service' systemctl ${root:+--root="$root"} -q enable hailstream.service
if [ -z "$root" ]; then
  step 'scan the plug-ins of GStreamer' scan_gstreamer
  step 'start hailstream.service' start_service
fi
[ -z "$reboot" ] || echo "install: reboot needed for:${reboot%;}"
[ "$dry" = 1 ] || echo 'install: done. Settings: /etc/hailstream, models: /var/lib/hailstream, log: journalctl -u hailstream'
[ "$dry" = 1 ] || echo "install: if something is wrong: sudo $(node_path) /opt/hailstream/dist/engine/main.js doctor"
