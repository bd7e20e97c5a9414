# shellcheck shell=dash
# What the recipe asks for: one "key value" a line. Values are texts, whatever is in them.

# read_settings FILE
read_settings() {
  local line key value
  setting_name='' setting_image_bytes=0 setting_sector_size=512
  setting_select=only setting_serials='' setting_min_bytes='' setting_max_bytes=''
  setting_several=ask setting_overwrite=ask setting_grow=1
  setting_hostname_template='' setting_counter_digits=3
  setting_after=reboot setting_payload=medium setting_medium_id=''
  payload_url=
  while IFS= read -r line; do
    key=${line%% *}
    value=${line#* }
    case $key in
      name) setting_name=$value ;;
      image-bytes) setting_image_bytes=$value ;;
      sector-size) setting_sector_size=$value ;;
      select) setting_select=$value ;;
      serial) setting_serials=$setting_serials$value$newline ;;
      min-bytes) setting_min_bytes=$value ;;
      max-bytes) setting_max_bytes=$value ;;
      several) setting_several=$value ;;
      overwrite) setting_overwrite=$value ;;
      grow) setting_grow=$value ;;
      hostname-template) setting_hostname_template=$value ;;
      counter-digits) setting_counter_digits=$value ;;
      after) setting_after=$value ;;
      payload) setting_payload=$value ;;
      medium-id) setting_medium_id=$value ;;
      *) refuse "this installer does not know its own setting \"$key\"." "Make the media again with one version of osforge." ;;
    esac
  done <"$1"
}

# The two things that the kernel's command line may say.
read_command_line() {
  local word line
  IFS= read -r line </proc/cmdline
  set -f
  for word in $line; do
    case $word in
      osforge.payload=*)
        payload_url=${word#*=}
        payload_url=${payload_url%/}
        setting_payload=http
        ;;
      osforge.after=reboot | osforge.after=poweroff) setting_after=${word#*=} ;;
      osforge.after=*) refuse "the kernel's command line has \"$word\"." "It may be osforge.after=reboot or osforge.after=poweroff." ;;
    esac
  done
  set +f
}

# lists TEXT LINES: whether a text is one of several lines.
lists() {
  case "$newline$2" in *"$newline$1$newline"*) return 0 ;; *) return 1 ;; esac
}
