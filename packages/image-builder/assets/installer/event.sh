#!/bin/sh
# Called by uevent with what the kernel tells: a line for each event that may be of use to somebody who waits. Memory is
# what await_hearing asks for.
# shellcheck disable=SC2154 # uevent sets them
case $ACTION:$SUBSYSTEM in
  add:block | change:block | add:net | change:mem) echo "$SUBSYSTEM" ;;
  add:*) [ -z "${MODALIAS:-}" ] || echo "$MODALIAS" ;;
esac
