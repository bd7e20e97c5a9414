# shellcheck shell=dash disable=SC3045 # Busybox's read has a time limit
# What the kernel tells of devices, over netlink, by Busybox's uevent. Nothing is looked for in between, and there is no
# udev.

events=/run/osforge/events

# Once, for all attempts: what nobody reads stays in the pipe, and when that is full, what is told of is found by looking
# anyway.
listen() {
  # Drives do not tell by themselves that a disc has come; the kernel asks them when it is told to, as udev tells it.
  echo 2000 >/sys/module/block/parameters/events_dfl_poll_msecs
  mkfifo $events
  # For writing too: so it never ends.
  exec 8<>$events
  uevent /osforge/event.sh >&8 &
}

# Waits until an event is heard, as some may have been missed before; has the kernel tell of one.
await_hearing() {
  local tries=0
  while [ "$tries" -lt 10 ]; do
    echo change >/sys/class/mem/null/uevent
    ! await_event 1 || return 0
    tries=$((tries + 1))
  done
}

# await_event SECONDS: fails where nothing is told of for so long. All that has been told of by then counts as one.
await_event() {
  read -r -t "$1" _ <&8 || return 1
  /usr/bin/dd if=$events iflag=nonblock of=/dev/null bs=64k status=none 2>/dev/null
  return 0
}

# wait_for SECONDS COMMAND...: runs a command after every event until it succeeds. Once more at the end: what nothing was
# told of is found late, but is found.
wait_for() {
  local end
  seconds
  end=$((now + $1))
  shift
  while :; do
    seconds
    [ "$now" -lt "$end" ] || return 1
    await_event $((end - now))
    load_new_drivers
    ! "$@" || return 0
  done
}
