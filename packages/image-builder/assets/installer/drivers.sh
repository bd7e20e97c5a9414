# shellcheck shell=dash
# Modules for the hardware that is there, and for what comes while somebody waits for it.

loaded_aliases=/run/osforge/aliases

load_drivers() {
  say "Looking for disks ..."
  modprobe -a -q sd_mod sr_mod uas usb_storage mmc_block usbhid hid_generic isofs vfat nls_cp437 nls_ascii nls_utf8 ext4 2>/dev/null
  # Of an empty list Busybox's grep would say that all is in it.
  echo none >"$loaded_aliases"
  await_hearing
  load_new_drivers
}

# Loads what hardware asks for that has appeared since the last time. A controller shows what is behind it only when it
# has its own driver, so this goes on until nothing new appears.
load_new_drivers() {
  local round=0
  while [ "$round" -lt 8 ]; do
    find /sys/devices -name modalias -exec cat {} + 2>/dev/null | sort -u >"$loaded_aliases.now"
    grep -Fxv -f "$loaded_aliases" "$loaded_aliases.now" >"$loaded_aliases.new"
    [ -s "$loaded_aliases.new" ] || return 0
    xargs modprobe -a -q -b <"$loaded_aliases.new" 2>/dev/null
    cat "$loaded_aliases.new" >>"$loaded_aliases"
    round=$((round + 1))
  done
}

# Waits, for ten seconds at most, until the kernel has told of nothing for one: drivers find their disks when they like.
settle_disks() {
  local end
  seconds
  end=$((now + 10))
  while await_event 1; do
    load_new_drivers
    seconds
    [ "$now" -lt "$end" ] || return 0
  done
}
