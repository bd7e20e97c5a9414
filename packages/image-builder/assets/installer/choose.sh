# shellcheck shell=dash disable=SC2034 # columns of a list are read, and not all are used
# Which disk is taken: into $disk, $disk_bytes and $disk_text.

choose_disk() {
  local fitting=/run/osforge/fitting number
  settle_disks
  list_disks
  # A disk that may be taken has nothing behind the last TAB.
  grep "$tab\$" "$disk_list" >"$fitting"
  case $setting_select in
    smallest) keep_by_size "$fitting" -n ;;
    largest) keep_by_size "$fitting" -rn ;;
  esac
  number=$(grep -c . "$fitting")
  if [ "$number" = 0 ]; then
    refuse "no disk of this machine fits." "$(disk_lines)" \
      "Connect a disk that fits, or change media.disk in the recipe and make the media again."
  elif [ "$number" = 1 ]; then
    take_disk "$(cat "$fitting")"
  elif [ "$setting_several" = ask ]; then
    ask_for_disk "$fitting" "$number"
  else
    refuse "$number disks of this machine fit, and the recipe says not to choose." "$(disk_lines)" \
      "Disconnect the others, or name one by media.disk.serials in the recipe and make the media again."
  fi
  say "The disk is $disk_text."
}

# keep_by_size FILE ORDER: the first by size, and those of the same size.
keep_by_size() {
  local first
  first=$(cut -f 2 "$1" | sort "$2" | head -n 1)
  awk -F "$tab" -v "bytes=$first" '$2 == bytes' "$1" >"$1.kept"
  mv "$1.kept" "$1"
}

# take_disk LINE
take_disk() {
  local serial model reason
  IFS=$tab read -r disk disk_bytes serial model reason <<END
$1
END
  disk_text="/dev/$disk ($(human "$disk_bytes"), serial $serial, model $model)"
}

# ask_for_disk FILE NUMBER
ask_for_disk() {
  local name bytes serial model reason count=0
  say "" "Several disks fit. Which one is to be installed on?"
  while IFS=$tab read -r name bytes serial model reason; do
    count=$((count + 1))
    say "$(printf '  %s) /dev/%-8s %10s  serial %s  model %s' "$count" "$name" "$(human "$bytes")" "$serial" "$model")"
  done <"$1"
  while :; do
    ask "Type its number, 1 to $2, and press Enter:"
    case $answer in
      '' | *[!0-9]* | 0* | ?????*) ;;
      *)
        if [ "$answer" -le "$2" ]; then
          take_disk "$(sed -n "${answer}p" "$1")"
          return 0
        fi
        ;;
    esac
    say "There is no disk \"$answer\" in the list."
  done
}

# A disk whose first and last MiB are zeros is empty, or one that an installation was interrupted on.
confirm_erasing() {
  local first last
  if ! first=$(disk_digest 0 1048576) || ! last=$(disk_digest $((disk_bytes - 1048576)) 1048576); then
    refuse "/dev/$disk cannot be read: $(head -n 1 /run/osforge/dd)" "Check its cables, or replace it."
  fi
  if [ "$first" = "$zero_mib_sha256" ] && [ "$last" = "$zero_mib_sha256" ]; then return 0; fi
  case $setting_overwrite in
    always) return 0 ;;
    never)
      refuse "/dev/$disk is not empty, and the recipe says never to overwrite." \
        "If nothing on it is needed: zero its first and last MiB, or set media.disk.overwrite in the recipe to \"ask\"."
      ;;
  esac
  say "" "/dev/$disk is not empty. Everything on it will be lost:" "  $disk_text"
  ask "Type \"erase\" and press Enter to erase it; anything else stops here."
  [ "$answer" = erase ] || refuse "the question whether to erase /dev/$disk was not answered by \"erase\"."
}
