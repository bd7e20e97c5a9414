# shellcheck shell=dash
# What people see and answer. Every line goes to every console of the kernel, and the first answer from any counts.

newline='
'
tab=$(printf '\t')
disk_was_touched=/run/osforge/touched

find_consoles() {
  local console
  consoles=$(cat /sys/class/tty/console/active 2>/dev/null)
  [ -n "$consoles" ] || consoles=console
  # A serial port that nobody has open drops what is typed, as between a question and the one who reads its answer.
  for console in $consoles; do
    sleep 2147483647 <"/dev/$console" 2>/dev/null &
  done
}

# say LINE...
say() {
  local console
  end_progress
  for console in $consoles; do
    printf '%s\n' "$@" >"/dev/$console" 2>/dev/null
  done
}

# Whole seconds since the machine was started.
seconds() {
  read -r now _ </proc/uptime
  now=${now%.*}
}

# begin_progress TITLE TOTAL: TOTAL is in bytes; 0 where only the share is known.
begin_progress() {
  progress_title=$1
  progress_total=$2
  seconds
  progress_began=$now
  progress_shown=$now
  progress_logged=$now
  progress_is_open=
}

# progress DONE TOTAL: the line on a screen is drawn anew at most once a second; a serial line, which may be logged,
# gets a new one every five.
progress() {
  local console elapsed text percent=100
  seconds
  [ "$now" != "$progress_shown" ] || [ "$1" = "$2" ] || return 0
  progress_shown=$now
  [ "$2" = 0 ] || percent=$(($1 * 100 / $2))
  elapsed=$((now - progress_began))
  text="$progress_title: $percent %"
  if [ "$progress_total" != 0 ] && [ "$elapsed" -gt 0 ] && [ "$1" -gt 0 ]; then
    text="$text, $(($1 / elapsed / 1000000)) MB/s"
    [ "$1" = "$2" ] || text="$text, $(duration $((elapsed * ($2 - $1) / $1))) left"
  fi
  for console in $consoles; do
    case $console in
      tty[0-9]*) printf '\r%-78s' "$text" >"/dev/$console" 2>/dev/null ;;
      *)
        if [ "$1" = "$2" ] || [ $((now - progress_logged)) -ge 5 ]; then
          printf '%s\n' "$text" >"/dev/$console" 2>/dev/null
        fi
        ;;
    esac
  done
  [ $((now - progress_logged)) -lt 5 ] || progress_logged=$now
  progress_is_open=1
}

# Goes to a new line on screens where one is drawn anew.
progress_is_open=
end_progress() {
  local console
  [ -n "$progress_is_open" ] || return 0
  progress_is_open=
  for console in $consoles; do
    case $console in tty[0-9]*) printf '\n' >"/dev/$console" 2>/dev/null ;; esac
  done
}

# duration SECONDS
duration() {
  if [ "$1" -lt 90 ]; then
    echo "$1 s"
  elif [ "$1" -lt 5400 ]; then
    echo "$((($1 + 30) / 60)) min"
  else
    echo "$(($1 / 3600)) h $(($1 % 3600 / 60)) min"
  fi
}

# human BYTES
human() {
  if [ "$1" -ge 1073741824 ]; then
    echo "$(($1 / 1073741824)).$(($1 % 1073741824 * 10 / 1073741824)) GiB"
  elif [ "$1" -ge 1048576 ]; then
    echo "$(($1 / 1048576)).$(($1 % 1048576 * 10 / 1048576)) MiB"
  else
    echo "$1 bytes"
  fi
}

# ask PROMPT: waits for a line from any console, without spaces at its ends, and puts it into $answer.
ask() {
  local console line readers=
  # What was typed before is no answer to this.
  for console in $consoles; do
    /usr/bin/dd if="/dev/$console" iflag=nonblock of=/dev/null bs=4096 status=none 2>/dev/null
  done
  rm -f /run/osforge/answers
  mkfifo /run/osforge/answers
  exec 9<>/run/osforge/answers
  say "$1"
  for console in $consoles; do
    (IFS= read -r line <"/dev/$console" && printf '%s\n' "$line" >&9) 2>/dev/null &
    readers="$readers $!"
  done
  IFS= read -r answer <&9
  # shellcheck disable=SC2086 # several
  kill $readers 2>/dev/null
  # shellcheck disable=SC2086 # several
  wait $readers 2>/dev/null
  exec 9>&-
  answer=$(printf '%s' "$answer" | tr -d '\000-\037\177')
  trim "$answer"
  answer=$trimmed
}

# trim TEXT: into $trimmed, without spaces at its ends.
trim() {
  trimmed=$1
  while :; do
    case $trimmed in
      ' '* | "$tab"*) trimmed=${trimmed#?} ;;
      *' ' | *"$tab") trimmed=${trimmed%?} ;;
      *) return 0 ;;
    esac
  done
}

# refuse REASON LINE...: ends the attempt; nothing has been written.
refuse() {
  say "" "osforge: refused: $1"
  shift
  [ $# = 0 ] || say "$@"
  exit 3
}

# fail REASON LINE...: ends the attempt.
fail() {
  tell_failure "$@"
  exit 4
}

tell_failure() {
  say "" "osforge: failed: $1"
  shift
  [ $# = 0 ] || say "$@"
}

# What the disk is like after a refusal or failure, and what next.
wait_for_decision() {
  if [ -e "$disk_was_touched" ]; then
    say "$(cat "$disk_was_touched") holds no complete installation and does not boot. Trying again starts from the beginning."
  else
    say "Nothing was written to any disk."
  fi
  while :; do
    ask "Press Enter to try again, or type \"off\" and press Enter to power off."
    case $answer in
      '') return 0 ;;
      off | OFF | Off) power_off ;;
    esac
  done
}
