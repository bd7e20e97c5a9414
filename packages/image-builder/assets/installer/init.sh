#!/bin/sh
# The first program of the installer's machine, /init of its initramfs. It installs one image onto one disk, with the
# programs named below.
#
# Until "erase_table" nothing is written to any disk. A refusal or failure anywhere ends the attempt, and the next one
# begins at the top.
set -u
PATH=/usr/bin
LC_ALL=C
export PATH LC_ALL
umask 022

# Busybox finds its programs by /proc, and without it none but those that are named in full.
/usr/bin/busybox mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t tmpfs -o mode=0755 tmpfs /run
mkdir -p /run/osforge
# What people read here is ours; the kernel's own messages are in its buffer, those of programs in a file.
dmesg -n 1
log=/run/osforge/log
exec </dev/null >>$log 2>&1
# shellcheck disable=SC3040 # Busybox has it: a disk that fails must not be hidden by what reads from it.
set -o pipefail

# What people see and answer, on the screen and on the serial port.
# shellcheck source=consoles.sh
. /osforge/consoles.sh
# What the recipe asks for.
# shellcheck source=settings.sh
. /osforge/settings.sh
# What the kernel tells of devices that come,
# shellcheck source=events.sh
. /osforge/events.sh
# and modules for them.
# shellcheck source=drivers.sh
. /osforge/drivers.sh
# The stick or disc with the payload,
# shellcheck source=medium.sh
. /osforge/medium.sh
# or an HTTP server that has it.
# shellcheck source=network.sh
. /osforge/network.sh
# The parts of the image, and their digests.
# shellcheck source=payload.sh
. /osforge/payload.sh
# Which disks there are, and why one may not be taken.
# shellcheck source=disks.sh
. /osforge/disks.sh
# Which disk it is, and whether it may be erased.
# shellcheck source=choose.sh
. /osforge/choose.sh
# The name of this machine.
# shellcheck source=hostname.sh
. /osforge/hostname.sh
# The content of the disk.
# shellcheck source=write.sh
. /osforge/write.sh
# Its partition table, which comes last: until then the disk does not boot.
# shellcheck source=table.sh
. /osforge/table.sh
# Restart or power off.
# shellcheck source=finish.sh
. /osforge/finish.sh

# One attempt. Runs in a shell of its own, which "refuse" and "fail" end.
attempt() {
  read_settings /osforge/settings
  read_command_line
  say "" "osforge: installing $setting_name"
  load_drivers
  if [ "$setting_payload" = http ]; then
    fetch_payload
  else
    find_medium
  fi
  check_payload
  choose_disk
  choose_hostname
  confirm_erasing
  count_machine
  erase_table
  write_ranges
  make_table
  finish_file_system
  write_table
  finish
}

find_consoles
listen
while :; do
  (attempt)
  status=$?
  leave_target
  leave_medium
  # Refusals and failures have been told.
  case $status in 3 | 4) ;; *) tell_failure "the installer itself ended unexpectedly, with status $status." "$(tail -n 5 $log)" ;; esac
  wait_for_decision
done
