#!/bin/sh
# Called by udhcpc(8) with what a DHCP server gave.
# shellcheck disable=SC2154 # udhcpc sets them
[ "$1" = bound ] || [ "$1" = renew ] || exit 0
# The first card that gets an address has the network: another one would change its routes.
mkdir /run/osforge/dhcp 2>/dev/null || exit 0
ip addr flush dev "$interface"
ip addr add "$ip/${mask:-24}" dev "$interface"
for gateway in ${router:-}; do
  ip route replace default via "$gateway" dev "$interface"
  break
done
for server in ${dns:-}; do
  echo "nameserver $server"
done >/etc/resolv.conf
echo "$interface has the address $ip" >/run/osforge/dhcp/address
# The installer waits for an event.
echo address >/run/osforge/events
