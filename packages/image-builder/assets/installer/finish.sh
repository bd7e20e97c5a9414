# shellcheck shell=dash
# The end of it all.

finish() {
  say "" "Installed $setting_name on /dev/$disk${host:+ as $host}."
  leave_medium
  # The machine would start the installer again. A disc comes out by itself, a stick does not.
  case ${medium_device:-} in
    '') ;;
    sr*) /usr/bin/eject "/dev/$medium_device" || say "Take out the installation medium." ;;
    *) say "Take out the installation medium." ;;
  esac
  if [ "$setting_after" = poweroff ]; then power_off; else restart; fi
}

restart() {
  say "Restarting ..."
  /usr/bin/sync
  reboot -f
  wait_for_the_end
}

power_off() {
  say "Powering off ..."
  /usr/bin/sync
  poweroff -f
  wait_for_the_end
}

# The kernel does it a moment after it was asked.
wait_for_the_end() {
  while :; do sleep 60; done
}
