#!/bin/sh
# nginx asks the network's own name server, which it does not read from resolv.conf by itself.
set -eu
server=$(awk '$1 == "nameserver" && $2 !~ /:/ { print $2; exit }' /etc/resolv.conf)
printf 'resolver %s valid=5s ipv6=off;\n' "${server:-127.0.0.11}" >/tmp/resolver.conf
exec nginx -c /etc/nginx/aistack/nginx.conf -g 'daemon off;'
