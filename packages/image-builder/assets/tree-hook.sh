#!/bin/sh
# Runs as mmdebstrap's customize hook, inside its user namespace: finishes the unpacked tree and turns it into the
# root file system. $1 is the tree. What it needs comes in the environment (OSFORGE_*), so that no value becomes
# shell text. The environment is also that of the packages' maintainer scripts, so what may be secret comes through a
# pipe that this script alone reads; it becomes neither a file nor an argument.
#
#   OSFORGE_OVERLAY     folder that is copied over the tree (settings made by the builder)
#   OSFORGE_DEBS        folder of further .deb files to install (may be empty)
#   OSFORGE_ACCOUNTS    named pipe with lines "user name:shell:groups:sudo:hash" (an empty hash locks the password) and
#                       "key name line"; a user comes before his keys
#   OSFORGE_TIMEZONE    tz database name; empty for UTC
#   OSFORGE_GENERALIZE  the generalize script
#   OSFORGE_OUTPUT      folder that gets packages.tsv, kernel, initrd, loader.efi
#   OSFORGE_MKFS        file with the arguments of mkfs.ext4, one a line; @TREE@ stands for the tree
set -eu
tree=$1

# Stage 2 runs in a mount namespace of its own, where the tree can be freed of proc, sys and dev.
if [ "${OSFORGE_STAGE:-1}" = 1 ]; then
  accounts=$(cat -- "$OSFORGE_ACCOUNTS")
  cp -a --no-preserve=ownership "$OSFORGE_OVERLAY/." "$tree/"
  if [ -n "$OSFORGE_DEBS" ]; then
    set --
    for package in "$OSFORGE_DEBS"/*.deb; do
      [ -e "$package" ] || continue
      cp "$package" "$tree/tmp/"
      set -- "$@" "/tmp/${package##*/}"
    done
    # All at once, because one of them may need another one that comes later by name.
    [ $# -eq 0 ] || chroot "$tree" env DEBIAN_FRONTEND=noninteractive dpkg --force-unsafe-io -i "$@"
  fi
  [ ! -e "$tree/etc/locale.gen.osforge" ] || {
    mv "$tree/etc/locale.gen.osforge" "$tree/etc/locale.gen"
    chroot "$tree" locale-gen
  }
  mkdir -p "$tree/efi"
  [ -z "${OSFORGE_TIMEZONE:-}" ] || ln -sf "../usr/share/zoneinfo/$OSFORGE_TIMEZONE" "$tree/etc/localtime"
  printf '%s\n' "$accounts" | sed -n 's/^user //p' | while IFS=: read -r name shell groups sudo hash; do
    if [ "$name" != root ]; then
      # Debian has groups that no user has, as "operator".
      if chroot "$tree" getent group "$name" >/dev/null; then group=--gid=$name; else group=--user-group; fi
      chroot "$tree" useradd --create-home "$group" --shell "$shell" -- "$name"
      [ -z "$groups" ] || chroot "$tree" usermod --append --groups "$groups" -- "$name"
      [ "$sudo" != 1 ] || chroot "$tree" usermod --append --groups sudo -- "$name"
    fi
    [ -z "$hash" ] || printf '%s:%s\n' "$name" "$hash" | chroot "$tree" chpasswd --encrypted
  done
  printf '%s\n' "$accounts" | sed -n 's/^key //p' | while IFS=' ' read -r name key; do
    home=$(chroot "$tree" getent passwd "$name" | cut -d: -f6)
    chroot "$tree" install -d -m 0700 -o "$name" -g "$name" "$home/.ssh"
    printf '%s\n' "$key" >>"$tree$home/.ssh/authorized_keys"
    chroot "$tree" chown "$name:$name" "$home/.ssh/authorized_keys"
    chmod 0600 "$tree$home/.ssh/authorized_keys"
  done
  # Once, now that everything is there that belongs into it: by INITRD=No in its environment, no package made one before.
  for kernel in "$tree"/boot/vmlinuz-*; do
    [ ! -e "$tree/usr/sbin/update-initramfs" ] || chroot "$tree" update-initramfs -c -k "${kernel##*/vmlinuz-}"
  done
  [ ! -e "$tree/usr/lib/systemd/systemd-networkd" ] || chroot "$tree" systemctl enable systemd-networkd.service
  [ ! -e "$tree/usr/lib/systemd/systemd-resolved" ] || chroot "$tree" systemctl enable systemd-resolved.service
  # shellcheck disable=SC2016
  chroot "$tree" dpkg-query -W -f '${Package}\t${Version}\t${Architecture}\n' >"$OSFORGE_OUTPUT/packages.tsv"
  set -- "$tree"/boot/vmlinuz-*
  cp -L -- "$1" "$OSFORGE_OUTPUT/kernel"
  printf '%s\n' "${1##*/vmlinuz-}" >"$OSFORGE_OUTPUT/kernel-release"
  set -- "$tree"/boot/initrd.img-*
  cp -L -- "$1" "$OSFORGE_OUTPUT/initrd"
  cp -L -- "$tree/usr/lib/systemd/boot/efi/systemd-bootx64.efi" "$OSFORGE_OUTPUT/loader.efi"
  # What mmdebstrap would take back only after this hook: its stand-ins that keep services from starting, and the
  # package manager's view of where it installs from, which is the builder's repository.
  rm -f "$tree/usr/sbin/policy-rc.d"
  [ ! -e "$tree/sbin/start-stop-daemon.REAL" ] ||
    mv "$tree/sbin/start-stop-daemon.REAL" "$tree/sbin/start-stop-daemon"
  rm -f "$tree/etc/apt/sources.list" "$tree"/etc/apt/apt.conf.d/*mmdebstrap "$tree"/etc/dpkg/dpkg.cfg.d/*mmdebstrap
  rm -f "$tree/etc/resolv.conf"
  [ ! -e "$tree/usr/lib/systemd/systemd-resolved" ] ||
    ln -s ../run/systemd/resolve/stub-resolv.conf "$tree/etc/resolv.conf"
  sh "$OSFORGE_GENERALIZE" "$tree" offline
  OSFORGE_STAGE=2 exec unshare --mount --propagation private -- "$0" "$tree"
fi

# Outermost mounts first, and lazily, so that each takes with it what is mounted inside: in a user namespace the parts
# of the machine's own /sys cannot be unmounted alone. Only in this namespace: mmdebstrap still sees its own.
# The kernel writes a space in a path as \040, which is \0040 for printf.
sed 's/\\/\\0/g' /proc/self/mounts | while read -r _ point _; do
  point=$(printf '%b' "$point")
  case $point in "$tree"/*) printf '%s\n' "$point" ;; esac
done | sort | while IFS= read -r point; do
  case $point in "${gone:-/}"/*) continue ;; esac
  umount -l -- "$point"
  gone=$point
done
# Device nodes come from devtmpfs at boot; mmdebstrap's stand-ins must not be copied.
mount -t tmpfs -o mode=0755 tmpfs "$tree/dev"

set --
while IFS= read -r argument; do
  [ "$argument" != @TREE@ ] || argument=$tree
  set -- "$@" "$argument"
done <"$OSFORGE_MKFS"
exec mkfs.ext4 "$@"
