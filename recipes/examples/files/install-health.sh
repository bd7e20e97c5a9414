#!/bin/sh
# Writes a small health check to the path given; HEALTH_URL says what it asks for.
set -eu
target=$1
cat >"$target" <<SCRIPT
#!/bin/bash
# Asks the web server for a page without any program beyond bash.
url=$HEALTH_URL
host=\${url#http://}
host=\${host%%/*}
exec 3<>"/dev/tcp/\$host/80" || exit 1
printf 'GET / HTTP/1.0\r\n\r\n' >&3
read -r _ status _ <&3
test "\$status" = 200
SCRIPT
chmod 0755 "$target"
