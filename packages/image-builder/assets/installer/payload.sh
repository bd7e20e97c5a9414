# shellcheck shell=dash disable=SC2034 # columns of a list are read, and not all are used
# The parts of the image. /osforge/parts.tsv has one a line:
#   file  kind  offset  length  sha256 of the content  bytes of the file  sha256 of the file

payload_bytes() {
  local file kind offset length sha256 file_bytes file_sha256 sum=0
  while IFS=$tab read -r file kind offset length sha256 file_bytes file_sha256; do
    sum=$((sum + file_bytes))
  done </osforge/parts.tsv
  echo "$sum"
}

# is_file_digest FILE SHA256
is_file_digest() {
  local found
  found=$(/usr/bin/sha256sum <"$1") && [ "${found%% *}" = "$2" ]
}

# Every part is whole before the first is written.
check_payload() {
  local file kind offset length sha256 file_bytes file_sha256 checked=0 total tables=0
  content_bytes=0
  total=$(payload_bytes)
  begin_progress "Checking the payload" "$total"
  while IFS=$tab read -r file kind offset length sha256 file_bytes file_sha256; do
    case $kind in
      table) tables=$((tables + 1)) table_file=$file table_sha256=$sha256 ;;
      range) check_range "$file" "$offset" "$length" ;;
      *) refuse "this installer does not know its own kind of part \"$kind\"." "Make the media again with one version of osforge." ;;
    esac
    if ! is_file_digest "$payload_folder/$file" "$file_sha256" 2>/dev/null; then
      refuse "the payload is damaged: $file is missing or not what this installer was made for." \
        "Make the medium again, on another stick or disc if that does not help." \
        "To check a medium before: compare the image's file with SHA256SUMS, then the medium with the file."
    fi
    checked=$((checked + file_bytes))
    progress "$checked" "$total"
  done </osforge/parts.tsv
  [ "$tables" = 1 ] || refuse "this installer has $tables partition tables instead of one." "Make the media again."
}

# check_range FILE OFFSET LENGTH: a range over a partition table would make the disk bootable too early.
check_range() {
  content_bytes=$((content_bytes + $3))
  if [ "$2" -lt 1048576 ] || [ $(($2 + $3)) -gt $((setting_image_bytes - 4096)) ]; then
    refuse "the part $1 of this installer reaches over the disk's partition table." "Make the media again."
  fi
}

# unpack FILE: its content, to standard output.
unpack() {
  /usr/bin/zstd --decompress --stdout --quiet "$payload_folder/$1"
}
