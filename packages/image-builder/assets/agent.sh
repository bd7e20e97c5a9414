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

# Runs a program with its output as log lines and returns its exit status. A line that only we know ends the output: a
# process that the program leaves behind keeps the pipe open, and must not hold the installation up.
end_of_output=$(cat /proc/sys/kernel/random/uuid)
logged() {
  { "$@" 2>&1 </dev/null 3>&-; echo "$end_of_output $?"; } | {
    while IFS= read -r line; do
      case $line in
        *"$end_of_output "*)
          rest=${line%"$end_of_output "*}
          [ -z "$rest" ] || printf '# %s\n' "$rest" >&3
          exit "${line##*"$end_of_output "}"
          ;;
      esac
      printf '# %s\n' "$line" >&3
    done
    exit 1
  }
}

mount_medium() {
  mkdir -p "$run/medium"
  # The drive announces a changed medium by a uevent; opening the device reads the new size.
  mount -o ro -t iso9660 /dev/sr0 "$run/medium"
}

# Processes that still use the medium, as a background process of a script does, would keep it in the drive.
release_medium() {
  umount "$run/medium" 2>/dev/null && return 0
  for process in /proc/[0-9]*; do
    [ "${process##*/}" != $$ ] || continue
    case $(ls -l "$process/cwd" "$process/exe" "$process/fd" 2>/dev/null) in
      *" $run/medium"*)
        echo "ending $(cat "$process/comm"), process ${process##*/}, which an installation has left behind"
        kill -KILL "${process##*/}"
        ;;
    esac
  done
  umount "$run/medium"
}

install_apps() {
  logged mount_medium || return 1
  # Sourced, so that it can say @app lines on the port; its programs' output goes through logged.
  . "$run/medium/osforge/install.sh"
  install_all "$run/medium/osforge"
  result=$?
  rm -rf "$run/env"
  logged release_medium || return 1
  # What was installed must be on the disk before the machine's state is saved.
  sync -f /
  return "$result"
}

# "APP/SCRIPT NAME VALUE": a secret for one script, in base64 because it may have several lines. It is kept in memory
# only, never on a medium.
add_variable() {
  folder=$run/env/${1%% *}
  value=${1#* }
  mkdir -p "$folder" && printf '%s' "${value#* }" | base64 -d >"$folder/${value%% *}"
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
