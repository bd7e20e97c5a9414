#!/bin/bash
# The default image, built by hand: the same steps as `osforge build-image`, as somebody would write them down for
# one machine. It has no checkpoint, no verification, no verdict and no clean-up after a kill; it is here as the peer
# that the product's speed is measured against (see docs/benchmarks.md). Run as root.
#
#   tools/bench/by-hand.sh OUTPUT-FOLDER
set -euo pipefail
output=$1
mkdir -p "$output"
work=$(mktemp -d "$output/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
export SOURCE_DATE_EPOCH=1700000000
step() { printf '%s %s\n' "$(date +%s.%N)" "$*" >&2; }

step "base system"
mmdebstrap --variant=minbase --format=directory \
  --include=systemd-sysv,systemd-boot,systemd-resolved,systemd-timesyncd,udev,dbus,e2fsprogs,iproute2,zstd,linux-image-cloud-amd64 \
  --customize-hook='echo debian-minimal >"$1/etc/hostname"' \
  --customize-hook='printf "PARTLABEL=root / ext4 defaults 0 1\n" >"$1/etc/fstab"' \
  --customize-hook='mkdir -p "$1/efi"; : >"$1/etc/machine-id"' \
  --customize-hook='chroot "$1" systemctl enable systemd-networkd systemd-resolved' \
  bookworm "$work/tree" /etc/apt/sources.list.d/debian.sources

step "applications"
mkdir -p "$work/medium/repository"
apt-get -q -y -o Dir="$work/tree" -o Dir::State::status="$work/tree/var/lib/dpkg/status" \
  -o Dir::Cache::archives="$work/medium/repository" -o APT::Install-Recommends=false -o Debug::NoLocking=1 \
  -o APT::Sandbox::User=root update
mkdir -p "$work/medium/repository/partial"
apt-get -q -y -o Dir="$work/tree" -o Dir::State::status="$work/tree/var/lib/dpkg/status" \
  -o Dir::Cache::archives="$work/medium/repository" -o APT::Install-Recommends=false -o Debug::NoLocking=1 \
  -o APT::Sandbox::User=root --download-only install nginx
rm -rf "$work/medium/repository/partial" "$work/medium/repository/lock" "$work"/tree/var/lib/apt/lists/*
(cd "$work/medium/repository" && apt-ftparchive packages . >Packages)
cat >"$work/medium/install.sh" <<'GUEST'
set -e
mkdir -p /run/lists/partial /run/archives/partial
echo 'deb [trusted=yes] file:/run/medium/repository ./' >/run/apps.list
export DEBIAN_FRONTEND=noninteractive
options="-o Dir::Etc::sourcelist=/run/apps.list -o Dir::Etc::sourceparts=- -o Dir::State::lists=/run/lists
  -o Dir::Cache::archives=/run/archives -o APT::Install-Recommends=false -o Dpkg::Options::=--force-unsafe-io"
apt-get -q -y $options update
apt-get -q -y $options install nginx
systemctl is-active nginx
: >/etc/machine-id
rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/log/*.log /var/log/apt/*
fstrim /
GUEST
xorriso -as mkisofs -quiet -r -V MEDIUM -o "$work/apps.iso" "$work/medium"

step "disk"
disk=$work/disk.raw
truncate -s 4G "$disk"
sgdisk -n 1:2048:+256M -t 1:ef00 -c 1:esp -n 2:0:0 -t 2:8304 -c 2:root "$disk" >/dev/null
start=$(sgdisk -i 2 "$disk" | awk '/First sector/ {print $3}')
sectors=$(sgdisk -i 2 "$disk" | awk '/Partition size/ {print $3}')
mkfs.ext4 -q -F -d "$work/tree" -L root -E offset=$((start * 512)) "$disk" $((sectors / 2))k
kernel=$(echo "$work"/tree/boot/vmlinuz-*)
release=${kernel##*/vmlinuz-}
esp=$disk@@1M
mformat -i "$esp" -F -T $((256 * 2048)) -v ESP ::
mmd -i "$esp" ::/EFI ::/EFI/BOOT ::/loader ::/loader/entries ::/debian
mcopy -i "$esp" "$work/tree/usr/lib/systemd/boot/efi/systemd-bootx64.efi" ::/EFI/BOOT/BOOTX64.EFI
mcopy -i "$esp" "$kernel" ::/debian/linux
mcopy -i "$esp" "$work/tree/boot/initrd.img-$release" ::/debian/initrd.img
printf 'title Debian\nlinux /debian/linux\ninitrd /debian/initrd.img\noptions root=PARTLABEL=root ro console=tty0 console=ttyS0\n' >"$work/debian.conf"
mcopy -i "$esp" "$work/debian.conf" ::/loader/entries/debian.conf

step "virtual machine"
run='/bin/sh -c "udevadm settle; mkdir -p /run/medium; mount -o ro /dev/vdb /run/medium; sh /run/medium/install.sh && echo INSTALLED >/dev/ttyS0; systemctl --no-block poweroff"'
qemu-system-x86_64 -machine q35 -accel tcg -cpu max -m 1024 -smp 2 -nodefaults -display none -no-reboot \
  -kernel "$kernel" -initrd "$work/tree/boot/initrd.img-$release" \
  -append "root=PARTLABEL=root rw console=ttyS0 loglevel=4 systemd.show_status=0 systemd.mask=systemd-networkd-wait-online.service systemd.run='$run'" \
  -drive "file=$disk,format=raw,if=virtio,discard=unmap" \
  -drive "file=$work/apps.iso,format=raw,if=virtio,readonly=on" \
  -serial "file:$work/console.log"
grep -q INSTALLED "$work/console.log" || { tail -30 "$work/console.log" >&2; exit 1; }

step "conversion"
qemu-img convert -f raw -O qcow2 -c -o compression_type=zstd -W -m 16 "$disk" "$output/by-hand.qcow2"
qemu-img convert -f raw -O vhdx -o subformat=dynamic "$disk" "$output/by-hand.vhdx"
sha256sum "$disk" "$output/by-hand.qcow2" "$output/by-hand.vhdx" >"$output/SHA256SUMS"
step "done"
