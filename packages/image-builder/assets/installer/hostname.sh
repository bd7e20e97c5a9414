# shellcheck shell=dash disable=SC2018,SC2019 # names are ASCII
# The name of this machine: from the list, else from the template, else from the one who sits before it. Empty where the
# recipe says nothing of names.

choose_hostname() {
  host=
  counter=
  if [ -e /osforge/names.tsv ]; then
    listed_name || { [ -n "$setting_hostname_template" ] && templated_name; } || ask_for_name
  elif [ -n "$setting_hostname_template" ]; then
    templated_name || ask_for_name
  fi
  [ -z "$host" ] || say "The name of this machine is $host."
}

# machine_serial: the firmware's serial number; nothing where it has none, or one that is on every machine.
machine_serial() {
  local serial
  serial=$(plain_line /sys/class/dmi/id/product_serial)
  case $(printf '%s' "$serial" | tr 'A-Z' 'a-z') in
    '' | 0 | 'not specified' | 'not available' | 'not applicable' | none | n/a | unknown | default* | 'to be filled'* | \
      'system serial number' | 'serial number' | 'chassis serial number' | 'invalid' | 'oem' | o.e.m. | 123456789 | 0123456789) ;;
    *) case $serial in *[!0.\ -]*) printf '%s' "$serial" ;; esac ;;
  esac
}

# Fails where this machine's serial number is not in the list.
listed_name() {
  local serial name wanted
  wanted=$(machine_serial)
  [ -n "$wanted" ] || return 1
  while IFS=$tab read -r serial name; do
    if [ "$serial" = "$wanted" ]; then
      sanitize "$name"
      return
    fi
  done </osforge/names.tsv
  say "The serial number $wanted is not in the list of names."
  return 1
}

# Fills in the template, once: what comes in is no template. Fails where something in it is not known.
templated_name() {
  local rest=$setting_hostname_template made='' key value
  while :; do
    case $rest in *'{'*'}'*) ;; *) break ;; esac
    made=$made${rest%%'{'*}
    rest=${rest#*'{'}
    key=${rest%%'}'*}
    rest=${rest#*'}'}
    case $key in
      serial) value=$(machine_serial) ;;
      mac) value=$(first_address) ;;
      counter) next_counter && value=$counter ;;
      name) value=$setting_name ;;
      *) refuse "the template of host names has \"{$key}\", which this installer does not know." "Make the media again with one version of osforge." ;;
    esac
    if [ -z "$value" ]; then
      say "This machine has no $key of its own for the host name $setting_hostname_template."
      return 1
    fi
    made=$made$value
  done
  sanitize "$made$rest"
}

# first_address: of the first network card by name, without colons.
first_address() {
  local card
  for card in /sys/class/net/*; do
    [ -e "$card/device" ] || continue
    tr -d ':\n' <"$card/address"
    return 0
  done
}

# sanitize TEXT: into $host, as RFC 1123 allows; fails where nothing is left.
sanitize() {
  host=$(printf '%s' "$1" | tr 'A-Z' 'a-z' | tr -c 'a-z0-9-' '-' | sed 's/^-*//' | cut -c 1-63 | sed 's/-*$//')
  [ -n "$host" ]
}

ask_for_name() {
  while :; do
    ask "Type a host name for this machine (letters, digits, hyphens) and press Enter:"
    sanitize "$answer" && [ "$host" = "$(printf '%s' "$answer" | tr 'A-Z' 'a-z')" ] && return 0
    say "\"$answer\" is no host name: letters, digits and hyphens, 63 at most, with no hyphen at an end."
  done
}

counter_file=/medium/osforge/counter

# The number after the last one that was given, with the digits that the recipe asks for, into $counter.
next_counter() {
  local last=0
  if [ -e /run/osforge/counter ]; then
    # The number of this machine, from an attempt before.
    last=$(cat /run/osforge/counter)
    counter=$(printf "%0${setting_counter_digits}d" "$last")
    return 0
  fi
  if [ -e "$counter_file" ]; then
    IFS= read -r last <"$counter_file"
    case $last in
      '' | *[!0-9]* | ????????????????*)
        refuse "the counter of this stick is damaged." \
          "Write the number that was given last, and a line feed, into the file osforge/counter of the stick."
        ;;
    esac
    # Leading zeros would make it octal.
    while :; do
      case $last in 0?*) last=${last#0} ;; *) break ;; esac
    done
  fi
  counter_next=$((last + 1))
  counter=$(printf "%0${setting_counter_digits}d" "$counter_next")
}

# Takes the number, on the stick, before it is used: none is given twice, whatever happens. The file keeps its length, so
# that one sector is written and no table of the file system.
count_machine() {
  [ -n "$counter" ] && [ ! -e /run/osforge/counter ] || return 0
  if ! mount -o remount,rw /medium 2>/dev/null; then
    refuse "the counter of host names cannot be written: the medium is read-only." \
      "Install from the stick image, and switch the stick's write protection off."
  fi
  if ! printf '%010d\n' "$counter_next" |
    /usr/bin/dd of="$counter_file" conv=notrunc,fsync status=none 2>/run/osforge/dd; then
    mount -o remount,ro /medium
    refuse "the counter of host names cannot be written: $(head -n 1 /run/osforge/dd)" "Make the stick again on another one."
  fi
  mount -o remount,ro /medium
  echo "$counter_next" >/run/osforge/counter
}
