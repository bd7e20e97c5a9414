# shellcheck shell=dash
# The stick or disc with the payload: a file system that carries the text which this installer was made with.

medium_disk=
payload_folder=

find_medium() {
  say "Looking for the installation medium ..."
  if ! try_all_devices; then
    say "It is not there yet; waiting for it, for 60 s at most ..."
    wait_for 60 try_all_devices || refuse "the installation medium was not found." \
      "It is the stick or disc that this installer was started from. Plug it into this machine itself, and try again."
  fi
  payload_folder=/medium/osforge/payload
}

try_all_devices() {
  local device name
  for device in /sys/class/block/*; do
    name=${device##*/}
    case $name in loop* | ram* | zram* | fd*) continue ;; esac
    if mount_medium "$name"; then
      medium_device=$name
      medium_disk=$(disk_of "$name")
      return 0
    fi
  done
  return 1
}

# mount_medium NAME
mount_medium() {
  local id type
  for type in iso9660 vfat; do
    mount -t "$type" -o ro "/dev/$1" /medium 2>/dev/null || continue
    id=
    { IFS= read -r id </medium/osforge/medium-id; } 2>/dev/null
    [ "$id" != "$setting_medium_id" ] || return 0
    umount /medium
  done
  return 1
}

# disk_of NAME: the disk of a partition, or the name itself.
disk_of() {
  local path
  if [ -e "/sys/class/block/$1/partition" ]; then
    path=$(readlink -f "/sys/class/block/$1")
    path=${path%/*}
    echo "${path##*/}"
  else
    echo "$1"
  fi
}

leave_medium() {
  umount /medium 2>/dev/null
  umount /run/osforge/payload 2>/dev/null
}
