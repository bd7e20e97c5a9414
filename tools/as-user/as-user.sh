#!/bin/sh
# Runs a program as another user, for tests. Needs root.
#
#   as-user.sh UID PROGRAM [ARGUMENT...]
#
# A checkout in a folder that only root may enter, as /root, is shown to the program where it is, without what lies
# beside it: in a mount namespace of its own, so that a test that is killed leaves nothing behind.
set -eu
uid=$1
shift
repository=$(cd "$(dirname "$0")/../.." && pwd -P)

closed=
folder=$(dirname "$repository")
while [ "$folder" != / ]; do
  case $(stat --format=%A "$folder") in
    *[xt]) ;;
    *) closed=$folder ;;
  esac
  folder=$(dirname "$folder")
done

drop="setpriv --reuid=$uid --regid=$uid --clear-groups --inh-caps=-all"
[ -n "$closed" ] || exec $drop -- "$@"
# shellcheck disable=SC2016 # The inner shell expands them.
exec unshare --mount --propagation private -- sh -c '
  set -eu
  repository=$1 closed=$2 drop=$3 place=$PWD
  shift 3
  mount --bind "$repository" /mnt
  mount -t tmpfs -o mode=755,size=1M tmpfs "$closed"
  mkdir -p "$repository"
  mount --move /mnt "$repository"
  cd "$place" 2>/dev/null || cd /
  exec $drop -- "$@"
' sh "$repository" "$closed" "$drop" "$@"
