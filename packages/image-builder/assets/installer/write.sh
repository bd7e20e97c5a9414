# shellcheck shell=dash disable=SC2034 # columns of a list are read, and not all are used
# The content of the disk, without its partition table.

# Zeros over both partition tables, so that neither is found while, or if only a part of, the rest is written.
erase_table() {
  say "Erasing the partition tables of /dev/$disk ..."
  echo "/dev/$disk" >"$disk_was_touched"
  # What the kernel knows of partitions that are gone.
  /usr/bin/partx --delete "/dev/$disk" 2>/dev/null
  zero_ends
  # Flash is faster when it knows that nothing is needed. What is discarded may come back: zeros are written again.
  if /usr/bin/blkdiscard --force "/dev/$disk" 2>/dev/null; then zero_ends; fi
  if [ "$(disk_digest 0 1048576)" != "$zero_mib_sha256" ] ||
    [ "$(disk_digest $((disk_bytes - 1048576)) 1048576)" != "$zero_mib_sha256" ]; then
    fail "/dev/$disk does not keep what is written to it." "Replace the disk."
  fi
}

zero_ends() {
  if ! zero_mib 0 || ! zero_mib $((disk_bytes - 1048576)); then
    fail "/dev/$disk cannot be written: $(head -n 1 /run/osforge/dd)" "Check its cables and its write protection, or replace it."
  fi
}

# zero_mib OFFSET
zero_mib() {
  write_to_disk "$1" 1048576 </dev/zero
}

# write_to_disk OFFSET LENGTH: from standard input, past the memory of this machine and out of the disk's own. No more
# than the length, whatever comes.
write_to_disk() {
  /usr/bin/dd of="/dev/$disk" bs=1M iflag=fullblock,count_bytes oflag=direct,seek_bytes \
    seek="$1" count="$2" conv=notrunc,nocreat,fsync status=none 2>/run/osforge/dd
}

write_ranges() {
  local file kind offset length sha256 rest written=0
  begin_progress "Writing" "$content_bytes"
  # The list has a number of its own: what is called in here reads from the standard input.
  while IFS=$tab read -r file kind offset length sha256 rest <&3; do
    [ "$kind" = range ] || continue
    if ! write_range "$file" "$offset" "$length" "$sha256"; then
      say "Bytes $offset to $((offset + length)) were not stored as they were written; writing them once more."
      write_range "$file" "$offset" "$length" "$sha256" ||
        fail "/dev/$disk does not keep what is written to it, at byte $offset ($(human "$offset")), $(human "$length") long." \
          "$(head -n 1 /run/osforge/dd)" \
          "Replace the disk. If another disk fails at the same place, make the medium again and test this machine's memory."
    fi
    written=$((written + length))
    progress "$written" "$content_bytes"
  done 3</osforge/parts.tsv
}

# write_range FILE OFFSET LENGTH SHA256: writes, reads it back from the disk, and compares.
write_range() {
  unpack "$1" | write_to_disk "$2" "$3" || return 1
  [ "$(disk_digest "$2" "$3")" = "$4" ]
}
