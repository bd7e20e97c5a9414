# Installs the applications of one medium. Sourced by the agent, which gives `say` and `logged`.
#
# Layout of the medium below osforge/:
#   order                       one application name a line
#   repository/                 offline package repository (Packages, *.deb)
#   apps/NAME/packages          package names, one a line        (optional)
#   apps/NAME/files.tar         files to unpack at /             (optional)
#   apps/NAME/owners            accounts that own them, as "passwd NAME" or "group NAME"
#   apps/NAME/scripts/NNN-*     executables, run in this order   (optional)
#   apps/NAME/checks            one check a line: "active UNIT", "inactive UNIT" or "command FILE" (optional)
#   apps/NAME/commands/FILE     the programs of checks
#   apps/NAME/meta/FILE.args    arguments of a script or a check, one a line
#   apps/NAME/meta/FILE.env     its variables, one NAME=VALUE a line
#
# Values never become shell text: they are read as data and passed as arguments.

apt_options() {
  printf '%s\n' \
    Dir::Etc::sourcelist="$run/apps.list" Dir::Etc::sourceparts=- \
    Dir::State::lists="$run/lists" Dir::Cache::archives="$run/archives" \
    Dir::Cache::pkgcache= Dir::Cache::srcpkgcache= \
    Acquire::Languages=none APT::Install-Recommends=false APT::Sandbox::User=root \
    Dpkg::Use-Pty=false Dpkg::Options::=--force-unsafe-io Dpkg::Options::=--force-confold
}

apt() {
  old=$IFS
  IFS='
'
  for option in $(apt_options); do set -- -o "$option" "$@"; done
  IFS=$old
  apt-get -q -y "$@"
}

prepare_repository() { # medium
  mkdir -p "$run/lists/partial" "$run/archives/partial"
  printf 'deb [trusted=yes] file:%s/repository ./\n' "$1" >"$run/apps.list"
  apt update
}

step() { # app, step, function, arguments...
  app=$1
  step=$2
  shift 2
  say "@app $app $step started"
  logged "$@"
  status=$?
  if [ "$status" -eq 0 ]; then
    say "@app $app $step succeeded"
  else
    say "@app $app $step failed exit status $status"
    return 1
  fi
}

install_packages() { # file of names
  set --
  while IFS= read -r name; do set -- "$@" "$name"; done <"$list"
  apt install -- "$@"
}

install_files() { # app's folder
  while IFS=' ' read -r database name; do
    getent "$database" "$name" >/dev/null && continue
    echo "a file is to belong to \"$name\", and there is no such $([ "$database" = group ] && echo group || echo user)"
    return 1
  done <"$1/owners"
  tar -C / -xpf "$1/files.tar"
}

check_unit() { # unit, active|inactive
  if systemctl --quiet is-active -- "$1"; then state=active; else state=inactive; fi
  echo "$1 is $state, expected $2"
  [ "$state" = "$2" ] && return 0
  systemctl status --no-pager --full -- "$1"
  return 1
}

install_app() { # medium, name
  folder=$1/apps/$2
  total=0; done=0
  [ -e "$folder/packages" ] && total=$((total + 1))
  [ -e "$folder/files.tar" ] && total=$((total + 1))
  for script in "$folder"/scripts/*; do [ -e "$script" ] && total=$((total + 1)); done
  [ -e "$folder/checks" ] && total=$((total + 1))
  progress() { done=$((done + 1)); say "@app $2 install progress $done/$total"; }
  if [ -e "$folder/packages" ]; then
    list=$folder/packages
    step "$2" packages install_packages || return 1
    progress "$@"
  fi
  if [ -e "$folder/files.tar" ]; then
    step "$2" files install_files "$folder" || return 1
    progress "$@"
  fi
  for script in "$folder"/scripts/*; do
    [ -e "$script" ] || continue
    step "$2" "script-${script##*/}" run_script "$script" || return 1
    progress "$@"
  done
  if [ -e "$folder/checks" ]; then
    while IFS=' ' read -r kind value; do
      case $kind in
        active | inactive) step "$2" "check-$value" check_unit "$value" "$kind" || return 1 ;;
        command) step "$2" "check-$value" run_script "$folder/commands/$value" || return 1 ;;
      esac
    done <"$folder/checks"
    progress "$@"
  fi
}

# A script's arguments and variables are data beside it. Secrets come over the port instead, one file each in
# $run/env/APP/FILE. The names used here are unlikely ones, because whatever the script is given is exported over them.
run_script() {
  set -- "$1"
  osforge_meta=${1%/*}/../meta/${1##*/}
  osforge_secrets=$run/env/$app/${1##*/}
  if [ -e "$osforge_meta.args" ]; then
    while IFS= read -r osforge_value; do set -- "$@" "$osforge_value"; done <"$osforge_meta.args"
  fi
  (
    cd / || exit 1
    if [ -e "$osforge_meta.env" ]; then
      while IFS= read -r osforge_value; do export "${osforge_value?}"; done <"$osforge_meta.env"
    fi
    for osforge_file in "$osforge_secrets"/*; do
      [ -e "$osforge_file" ] || continue
      # Command substitution takes line breaks off the end; the x keeps them.
      osforge_value=$(cat "$osforge_file"; echo x)
      export "${osforge_file##*/}=${osforge_value%x}"
    done
    exec "$@"
  )
}

install_all() { # medium
  if [ -e "$1/repository/Packages" ]; then
    step apt repository prepare_repository "$1" || return 1
  fi
  while IFS= read -r name; do
    say "@app $name install started"
    if install_app "$1" "$name"; then
      say "@app $name install succeeded"
    else
      say "@app $name install failed"
      return 1
    fi
  done <"$1/order"
}
