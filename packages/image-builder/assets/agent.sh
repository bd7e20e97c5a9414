# The agent that runs inside the build machine, as root, for the length of one build.
#
# It is not part of the image: the machine gets it as a read-only disk and systemd runs it from there
# (systemd.run= on the kernel's command line). It reads one command a line from the virtio-serial port and
# answers with lines:
#
#   @ready                            the system is up
#   @ok COMMAND                       the command has ended well
#   @failed COMMAND TEXT              the command has ended badly
#   @app NAME STEP STATE TEXT         progress of one application
#   # TEXT                            a line of output
#
# Every wait is a blocking read: nothing here polls.
set -u
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
port=/dev/virtio-ports/org.osforge.agent
run=/run/osforge
mkdir -p -m 0700 "$run"
exec 3<>"$port"

say() { printf '%s\n' "$*" >&3; }

# Runs a program with its output as log lines; the exit status survives the pipe through a file.
logged() {
  { "$@" 2>&1 </dev/null 3>&-; echo $? >"$run/status"; } | while IFS= read -r line || [ -n "$line" ]; do
    printf '# %s\n' "$line" >&3
  done
  return "$(cat "$run/status")"
}

mount_medium() {
  mkdir -p "$run/medium"
  # The drive announces a changed medium by a uevent; opening the device reads the new size.
  mount -o ro -t iso9660 /dev/sr0 "$run/medium"
}

install_apps() {
  logged mount_medium || return 1
  # Sourced, so that it can say @app lines on the port; its programs' output goes through logged.
  . "$run/medium/osforge/install.sh"
  install_all "$run/medium/osforge"
  result=$?
  rm -rf "$run/env"
  umount "$run/medium" || return 1
  # What was installed must be on the disk before the machine's state is saved.
  sync -f /
  return "$result"
}

# "APP/SCRIPT KEY=VALUE": a secret for one script. It is kept in memory only, never on a medium.
add_variable() {
  target=$run/env/${1%% *}
  mkdir -p -m 0700 "${target%/*}" && printf '%s\n' "${1#* }" >>"$target"
}

generalize() {
  cp /dev/disk/by-id/virtio-osforge-generalize "$run/generalize.sh" || return 1
  logged sh "$run/generalize.sh" / guest
}

finish() { # command, status
  if [ "$2" -eq 0 ]; then say "@ok $1"; else say "@failed $1 exit status $2"; fi
}

say "@ready"
while IFS=' ' read -r command argument <&3; do
  case $command in
    env) add_variable "$argument"; finish env $? ;;
    time) logged date -u -s "@$argument"; finish time $? ;;
    install) install_apps; finish install $? ;;
    generalize) generalize; finish generalize $? ;;
    poweroff) say "@ok poweroff"; systemctl --no-block poweroff; exit 0 ;;
    *) say "@failed $command unknown command" ;;
  esac
done
exit 0
