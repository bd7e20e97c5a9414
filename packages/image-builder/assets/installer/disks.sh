# shellcheck shell=dash
# Which disks there are. $disk_list has one a line, by name:
#   name  bytes  serial  model  why it may not be taken (empty where it may)

disk_list=/run/osforge/disks

list_disks() {
  local path name
  for path in /sys/block/*; do
    name=${path##*/}
    # The last is one path of several to an NVMe disk, which has an entry of its own.
    case $name in
      loop* | ram* | zram* | sr* | fd* | md* | dm-* | nbd* | mtdblock* | mmcblk*boot* | mmcblk*rpmb* | nvme*c*n*) continue ;;
    esac
    describe_disk "$name"
  done >"$disk_list"
}

# describe_disk NAME
describe_disk() {
  local bytes serial model
  bytes=$(($(cat "/sys/block/$1/size") * 512))
  # A card reader without a card.
  [ "$bytes" -gt 0 ] || return 0
  serial=$(disk_serial "$1")
  model=$(plain_line "/sys/block/$1/device/model")
  printf '%s\t%s\t%s\t%s\t%s\n' "$1" "$bytes" "${serial:--}" "${model:--}" "$(why_not "$1" "$bytes" "$serial")"
}

# plain_line FILE: its first line as printable text.
plain_line() {
  local text
  text=$(head -c 256 "$1" 2>/dev/null | tr -c '\040-\176' ' ')
  trim "$text"
  printf '%s' "$trimmed"
}

# disk_serial NAME: where its driver tells it. SCSI disks have it in a page, behind a header of four bytes.
disk_serial() {
  local file
  for file in serial device/serial; do
    if [ -s "/sys/block/$1/$file" ]; then
      plain_line "/sys/block/$1/$file"
      return 0
    fi
  done
  if [ -e "/sys/block/$1/device/vpd_pg80" ]; then
    tail -c +5 "/sys/block/$1/device/vpd_pg80" 2>/dev/null >/run/osforge/serial
    plain_line /run/osforge/serial
  fi
}

# why_not NAME BYTES SERIAL: the first reason not to take a disk; nothing for one that may be taken.
why_not() {
  local sector
  if [ "$1" = "$medium_disk" ]; then
    echo "is the installation medium"
  elif [ "$(cat "/sys/block/$1/ro")" != 0 ]; then
    echo "is read-only"
  elif is_used "$1"; then
    echo "is in use"
  elif is_external "$1" && ! { [ "$setting_select" = serial ] && lists "$3" "$setting_serials"; }; then
    echo "is not internal; name its serial number in the recipe to use it"
  elif [ "$setting_select" = serial ] && ! lists "$3" "$setting_serials"; then
    echo "has none of the serial numbers of the recipe"
  elif [ "$2" -lt "$setting_image_bytes" ]; then
    echo "is too small by $(human $((setting_image_bytes - $2))): the image has $(human "$setting_image_bytes")"
  elif [ -n "$setting_min_bytes" ] && [ "$2" -lt "$setting_min_bytes" ]; then
    echo "is smaller than the recipe's minSize of $(human "$setting_min_bytes")"
  elif [ -n "$setting_max_bytes" ] && [ "$2" -gt "$setting_max_bytes" ]; then
    echo "is larger than the recipe's maxSize of $(human "$setting_max_bytes")"
  else
    sector=$(cat "/sys/block/$1/queue/logical_block_size")
    [ "$sector" = "$setting_sector_size" ] ||
      echo "has sectors of $sector bytes, and the image is made for $setting_sector_size"
  fi
}

# is_external NAME: on USB, a card, or one whose medium can be taken out.
is_external() {
  [ "$(cat "/sys/block/$1/removable")" = 0 ] || return 0
  # What is soldered to the board is called MMC.
  [ "$(cat "/sys/block/$1/device/type" 2>/dev/null)" != SD ] || return 0
  case $(readlink -f "/sys/block/$1/device") in */usb[0-9]*) return 0 ;; *) return 1 ;; esac
}

# is_used NAME: mounted, swapped to, or held by another device, itself or one of its partitions.
is_used() {
  local path name
  for path in "/sys/block/$1" "/sys/block/$1/$1"*; do
    [ -d "$path" ] || continue
    name=${path##*/}
    [ -z "$(ls "$path/holders" 2>/dev/null)" ] || return 0
    ! grep -q "^/dev/$name " /proc/mounts || return 0
    ! grep -q "^/dev/$name " /proc/swaps || return 0
  done
  return 1
}

# disk_lines: the list for people, with the reasons.
disk_lines() {
  local name bytes serial model reason
  [ -s "$disk_list" ] || echo "  (this machine has no disks, or the installer has no drivers for them)"
  while IFS=$tab read -r name bytes serial model reason; do
    printf '  /dev/%-8s %10s  serial %s  model %s%s\n' "$name" "$(human "$bytes")" "$serial" "$model" "${reason:+: $reason}"
  done <"$disk_list"
}

# disk_digest OFFSET LENGTH: SHA-256 of bytes of the chosen disk, as they are on it and not in memory.
disk_digest() {
  local found
  found=$(/usr/bin/dd if="/dev/$disk" bs=1M iflag=direct,skip_bytes,count_bytes,fullblock \
    skip="$1" count="$2" status=none 2>/run/osforge/dd | /usr/bin/sha256sum) || return 1
  echo "${found%% *}"
}

zero_mib_sha256=30e14955ebf1352266dc2ff8067e68104607e750abb9d3b36582b8af909fcb58
