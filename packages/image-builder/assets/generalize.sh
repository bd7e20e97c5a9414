# Takes out of an image what must differ on each machine made from it, and what a build leaves behind.
#
#   sh generalize.sh ROOT offline|guest
#
# "offline": ROOT is an unpacked tree. "guest": ROOT is / of the running build machine, shortly before it powers
# off; the services that would write such state once more on their way down are stopped first.
set -eu
root=${1%/}
mode=$2

if [ "$mode" = guest ]; then
  # Each of these saves state when it stops; stop it now, so that the files can go.
  systemctl stop systemd-random-seed.service systemd-timesyncd.service systemd-update-utmp.service 2>/dev/null || true
  journalctl --sync --relinquish-var >/dev/null 2>&1 || true
fi

# Identity: an empty machine-id is filled in at the first boot.
: >"$root/etc/machine-id"
rm -f "$root/var/lib/dbus/machine-id"
[ ! -d "$root/var/lib/dbus" ] || ln -s /etc/machine-id "$root/var/lib/dbus/machine-id"
rm -f "$root"/etc/ssh/ssh_host_*_key "$root"/etc/ssh/ssh_host_*_key.pub
if [ -e "$root/usr/sbin/sshd" ]; then
  # Debian makes host keys when the package is installed and never again; without them its ssh.service does not start.
  units=$root/etc/systemd/system
  cat >"$units/ssh-host-keys.service" <<'UNIT'
[Unit]
Description=Make this machine's own SSH host keys
Documentation=man:ssh-keygen(1)
ConditionPathExistsGlob=!/etc/ssh/ssh_host_*_key
Before=ssh.service

[Service]
Type=oneshot
ExecStart=/usr/bin/ssh-keygen -A

[Install]
RequiredBy=ssh.service
UNIT
  mkdir -p "$units/ssh.service.requires"
  ln -sf ../ssh-host-keys.service "$units/ssh.service.requires/ssh-host-keys.service"
fi
rm -f "$root/var/lib/systemd/random-seed" "$root/var/lib/systemd/credential.secret" \
  "$root/var/lib/systemd/timesync/clock" "$root/var/lib/urandom/random-seed"
rm -rf "$root"/var/lib/dhcp/* "$root"/var/lib/NetworkManager/* "$root"/var/lib/cloud/*

# Traces of the build: logs are emptied where a service expects its file, else removed.
find "$root/var/log" -type f \( -name '*.gz' -o -name '*.[0-9]' -o -name '*.old' -o -name '*.journal*' \) -delete
find "$root/var/log" -type f -exec truncate -s 0 {} +
find "$root/var/log/journal" -mindepth 1 -delete 2>/dev/null || true
rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*.bin "$root"/var/cache/apt/archives/*.deb \
  "$root/var/cache/apt/archives/lock" \
  "$root"/var/cache/debconf/*-old "$root"/var/lib/dpkg/*-old "$root"/var/backups/* "$root/var/cache/ldconfig/aux-cache" \
  "$root"/var/lib/apt/periodic/* "$root"/var/cache/man/*
rm -f "$root"/etc/passwd- "$root"/etc/group- "$root"/etc/shadow- "$root"/etc/gshadow- "$root"/etc/subuid- "$root"/etc/subgid- "$root/etc/.pwd.lock"
rm -f "$root/root/.bash_history" "$root"/home/*/.bash_history
if [ "$mode" = guest ]; then
  find "$root/tmp" "$root/var/tmp" -mindepth 1 -maxdepth 1 ! -name 'systemd-private-*' -exec rm -rf {} +
  fstrim "$root/" || true
else
  find "$root/tmp" "$root/var/tmp" -mindepth 1 -delete
  find "$root/run" -mindepth 1 -maxdepth 1 ! -name lock -exec rm -rf {} +
fi
