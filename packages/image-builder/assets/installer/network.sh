# shellcheck shell=dash disable=SC2034 # columns of a list are read, and not all are used
# The payload from an HTTP server, into memory. It is not trusted: what comes is held against the digests in the
# initramfs.

attempts_each=6

fetch_payload() {
  local need have
  case $payload_url in
    http://?*) ;;
    '') refuse "no address of the payload is given." \
      "Add osforge.payload=http://HOST/FOLDER to the kernel's command line; the folder holds the files NNNN.zst." ;;
    *) refuse "the payload cannot come from \"$payload_url\"." "osforge.payload must begin with http://" ;;
  esac
  need=$(payload_bytes)
  have=$(($(sed -n 's/^MemAvailable: *\([0-9]*\) kB$/\1/p' /proc/meminfo) * 1024))
  # The rest is for the programs that write it.
  if [ "$have" -lt $((need + 100663296)) ]; then
    refuse "this machine has too little memory to install over the network." \
      "The payload is $(human "$need"), and $(human "$have") are free, of which 96 MiB are needed otherwise." \
      "Add memory, or install from a stick."
  fi
  get_network
  mkdir -p /run/osforge/payload
  mount -t tmpfs -o "size=$((need + 16777216)),mode=0700" tmpfs /run/osforge/payload
  payload_folder=/run/osforge/payload
  download_parts "$need"
}

get_network() {
  say "Waiting for the network ..."
  modprobe -q af_packet 2>/dev/null
  rm -rf /run/osforge/dhcp
  asked_cards=
  dhcp_clients=
  has_address || wait_for 60 has_address || refuse "no network card got an address by DHCP." \
    "Network cards: $(card_names)." \
    "Check the cable and the DHCP server, and try again."
  # shellcheck disable=SC2086 # several
  kill $dhcp_clients 2>/dev/null
  say "Network card $(cat /run/osforge/dhcp/address)."
}

# Cards of hardware, without the loopback and the like.
card_names() {
  local card names=
  for card in /sys/class/net/*; do
    [ ! -e "$card/device" ] || names="$names ${card##*/} ($(cat "$card/address"))"
  done
  echo "${names:- none}" | cut -c 2-
}

# Has every card that is new ask for an address, all at once: one without a cable may get it while another is waited for.
has_address() {
  local card name
  for card in /sys/class/net/*; do
    name=${card##*/}
    [ -e "$card/device" ] || continue
    case " $asked_cards " in *" $name "*) continue ;; esac
    ip link set dev "$name" up 2>/dev/null || continue
    asked_cards="$asked_cards $name"
    # It asks again every 2 s, for as long as it is waited for.
    udhcpc -i "$name" -n -q -f -t 30 -T 2 -s /osforge/dhcp.sh >/dev/null 2>&1 &
    dhcp_clients="$dhcp_clients $!"
  done
  [ -s /run/osforge/dhcp/address ]
}

# download_parts BYTES
download_parts() {
  local file kind offset length sha256 file_bytes file_sha256 received=0
  begin_progress "Downloading" "$1"
  while IFS=$tab read -r file kind offset length sha256 file_bytes file_sha256; do
    download_part "$file" "$file_bytes" "$file_sha256"
    received=$((received + file_bytes))
    progress "$received" "$1"
  done </osforge/parts.tsv
}

# download_part FILE BYTES SHA256
download_part() {
  local attempt=1 wrong=0 pause=1 status
  while :; do
    # Debian's wget of busybox ends by a fault where it is given a time limit of its own (-T).
    # One byte more than it should have is enough to see that it is another file, and memory is not filled by it.
    timeout 120 wget -q -O - "$payload_url/$1" 2>/run/osforge/wget | head -c $(($2 + 1)) >"$payload_folder/$1"
    status=$?
    [ "$(stat -c %s "$payload_folder/$1")" -le "$2" ] || status=0
    if [ "$status" = 0 ]; then
      is_file_digest "$payload_folder/$1" "$3" && return 0
      wrong=$((wrong + 1))
      [ "$wrong" -lt 2 ] || refuse "the server gives another $1 than this installer was made for." \
        "From: $payload_url/$1" \
        "Copy the folder of the PXE output to the server again, kernel, initramfs and payload together."
    fi
    if [ "$attempt" -ge $attempts_each ]; then
      refuse "$1 could not be downloaded, in $attempts_each attempts." \
        "From: $payload_url/$1" "$(head -n 1 /run/osforge/wget)" \
        "Check that the server runs and that this machine reaches it, and try again."
    fi
    say "The download of $1 failed; trying again in $pause s."
    sleep "$pause"
    attempt=$((attempt + 1))
    pause=$((pause * 2))
  done
}
