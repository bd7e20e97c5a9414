# shellcheck shell=dash
# The partition table. It is made in memory, on a file as long as the disk, and the disk gets it when all else is done.
# Partitions are 512-byte sectors here.

table=/run/osforge/table
backup_bytes=16896

make_table() {
  say "Making the partition table ..."
  rm -f $table
  /usr/bin/truncate -s "$disk_bytes" $table
  unpack "$table_file" | /usr/bin/dd of=$table bs=1M count=1 iflag=fullblock conv=notrunc status=none ||
    fail "the partition table cannot be unpacked." "Make the medium again."
  [ "$(head -c 1048576 $table | /usr/bin/sha256sum)" = "$table_sha256  -" ] ||
    fail "the partition table is not what this installer was made for." "Make the medium again."
  edit_table --relocate gpt-bak-std
  read_last_partition
  if [ "$setting_grow" = 1 ]; then
    echo ', +' >/run/osforge/change
    edit_table --partno "$last_number" </run/osforge/change
    read_last_partition
  fi
}

# edit_table OPTION...: sfdisk(8) on the file. Nothing is told to the kernel, which must not find partitions yet.
edit_table() {
  if [ "$1" = --partno ]; then
    /usr/bin/sfdisk --quiet --no-reread --no-tell-kernel --wipe never --wipe-partitions never -N "$2" $table >/run/osforge/sfdisk 2>&1
  else
    /usr/bin/sfdisk --quiet "$@" $table >/run/osforge/sfdisk 2>&1
  fi || fail "the partition table cannot be fitted to /dev/$disk." "$(tail -n 3 /run/osforge/sfdisk)" "Make the media again."
}

# The partition that lies last, into $last_number, $last_start and $last_sectors.
read_last_partition() {
  local number start sectors
  last_start=-1
  /usr/bin/sfdisk --quiet --dump $table 2>/dev/null |
    sed -n 's|^/run/osforge/table\([0-9]*\) : start= *\([0-9]*\), size= *\([0-9]*\),.*$|\1 \2 \3|p' >/run/osforge/partitions
  while read -r number start sectors; do
    if [ "$start" -gt "$last_start" ]; then
      last_number=$number
      last_start=$start
      last_sectors=$sectors
    fi
  done </run/osforge/partitions
  [ "$last_start" -ge 0 ] || fail "the partition table of this installer has no partitions." "Make the media again."
}

# Lets the last file system grow, and puts the host name into it, while the disk has no table: the kernel is told of the
# partition, and forgets it again.
finish_file_system() {
  [ "$setting_grow" = 1 ] || [ -n "$host" ] || return 0
  case $disk in *[0-9]) partition=${disk}p$last_number ;; *) partition=$disk$last_number ;; esac
  /usr/bin/addpart "/dev/$disk" "$last_number" "$last_start" "$last_sectors" 2>/run/osforge/addpart ||
    fail "the kernel does not take the last partition: $(head -n 1 /run/osforge/addpart)" "Try again."
  # The magic number of ext2, ext3 and ext4.
  if [ "$(/usr/bin/dd if="/dev/$partition" bs=2 skip=540 count=1 status=none | od -An -tx1 | tr -d ' ')" = 53ef ]; then
    [ "$setting_grow" != 1 ] || grow_file_system
    [ -z "$host" ] || write_hostname
  else
    [ -z "$host" ] || fail "the host name cannot be set: the last partition is not ext4." "Take media.hostname out of the recipe, and make the media again."
    say "The last partition has grown, but its file system has not: it is not ext4."
  fi
  leave_target
}

grow_file_system() {
  say "Fitting the file system to the disk ..."
  /usr/bin/e2fsck -f -p "/dev/$partition" >/run/osforge/e2fsck 2>&1
  [ $? -le 1 ] || fail "the file system of the image is damaged." "$(tail -n 3 /run/osforge/e2fsck)" "Build the image again."
  /usr/bin/resize2fs "/dev/$partition" >/run/osforge/resize2fs 2>&1 ||
    fail "the file system cannot be fitted to the disk." "$(tail -n 3 /run/osforge/resize2fs)" "Set media.grow in the recipe to false, and make the media again."
}

write_hostname() {
  local file
  mount -t ext4 "/dev/$partition" /target 2>/run/osforge/mount ||
    fail "the installed file system cannot be mounted: $(head -n 1 /run/osforge/mount)" "Build the image again."
  # A link would lead into this machine's own files.
  for file in /target/etc /target/etc/hostname /target/etc/hosts; do
    [ ! -L "$file" ] || fail "the host name cannot be set: ${file#/target} of the image is a symbolic link." "Make it a file in the image."
  done
  [ -d /target/etc ] || fail "the host name cannot be set: the last partition has no folder /etc." "Take media.hostname out of the recipe, and make the media again."
  echo "$host" >/target/etc/hostname
  touch /target/etc/hosts
  if grep -q '^127\.0\.1\.1[[:space:]]' /target/etc/hosts; then
    sed "s/^127\\.0\\.1\\.1[[:space:]].*\$/127.0.1.1$tab$host/" /target/etc/hosts >/run/osforge/hosts
  else
    { awk 1 /target/etc/hosts && printf '127.0.1.1\t%s\n' "$host"; } >/run/osforge/hosts
  fi
  # Into the same file: its owner and mode stay.
  cat /run/osforge/hosts >/target/etc/hosts
  [ "$(cat /target/etc/hostname)" = "$host" ] || fail "the host name cannot be written." "Give the image's root file system more room."
}

# Undoes what finish_file_system did, whatever it came to.
leave_target() {
  umount /target 2>/dev/null
  [ ! -s "$disk_was_touched" ] || /usr/bin/partx --delete "$(cat "$disk_was_touched")" 2>/dev/null
}

# The end of the disk first: with the first MiB, all is there.
write_table() {
  local backup_at=$((disk_bytes - backup_bytes))
  say "Writing the partition table ..."
  /usr/bin/sync "/dev/$disk"
  /usr/bin/blockdev --flushbufs "/dev/$disk"
  tail -c $backup_bytes $table >$table.backup
  head -c 1048576 $table >$table.first
  write_to_disk $backup_at $backup_bytes <$table.backup || fail_table
  write_to_disk 0 1048576 <$table.first || fail_table
  if ! is_file_digest $table.first "$(disk_digest 0 1048576)" ||
    ! is_file_digest $table.backup "$(disk_digest $backup_at $backup_bytes)"; then fail_table; fi
  rm -f "$disk_was_touched"
}

fail_table() {
  # One of the two tables may be there.
  zero_mib 0
  zero_mib $((disk_bytes - 1048576))
  fail "the partition table of /dev/$disk is not stored as it was written: $(head -n 1 /run/osforge/dd)" "Replace the disk."
}
