#!/usr/bin/env bash
# The images of the stack's services, for the test bed; called by scripts/testbed.sh.
#   build.sh missing   name those that are not there as these files describe them
#   build.sh make      build them (the bases must be there)
#   build.sh env       print the lines for AI_STACK_ENV_FILE
# The tag is a hash of these files, so that two checkouts do not take each other's images.
set -euo pipefail
cd "$(dirname "$0")"
ROOT=$(cd ../../.. && pwd)
LOG=$ROOT/.cache/testbed/aistack-image.log

IDS="postgres redis nginx prometheus qdrant grafana jaeger mindsdb open-webui"
TAG=$(find . -type f -not -path '*/__pycache__/*' -not -name README.md -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -c1-12)
OURS=localhost/aistack:$(cd "$ROOT" && find backend compose/images pyproject.toml requirements -type f -not -path '*/__pycache__/*' \
    -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -c1-12)

image() { printf 'localhost/aistack-testbed-%s:%s' "$1" "$TAG"; }

missing() {
    local id
    podman image exists "$OURS" 2>/dev/null || printf 'aistack '
    for id in $IDS; do podman image exists "$(image "$id")" 2>/dev/null || printf '%s ' "$id"; done
}

make_one() {
    podman build -q --pull=never --force-rm --format docker -f "Containerfile.$1" -t "$(image "$1")" \
        -t "localhost/aistack-testbed-$1:latest" . >/dev/null
}

make_ours() { # our own image as it is shipped, on Debian's Python; CA bundle and pip settings of this machine are lent
    local lent=() file
    mkdir -p "$(dirname "$LOG")"
    for file in /etc/ssl/certs/ca-certificates.crt /etc/pip.conf; do [ ! -f "$file" ] || lent+=(-v "$file:$file:ro"); done
    for file in "$HOME/.config/pip/pip.conf" "$HOME/.pip/pip.conf"; do
        [ ! -f "$file" ] || lent+=(-v "$file:/root/.config/pip/pip.conf:ro")
    done
    podman build -q --pull=never --force-rm --layers --format docker --build-arg BASE=localhost/aistack-core:1 "${lent[@]}" \
        -f "$ROOT/compose/images/aistack/Containerfile" -t "$OURS" -t localhost/aistack:latest "$ROOT" \
        >"$LOG" 2>&1 || { tail -n 30 "$LOG" >&2; return 1; }
}

make_all() {
    local id
    for id in $(missing); do
        if [ "$id" = aistack ]; then make_ours; else make_one "$id"; fi
    done
}

names() {
    local id
    printf 'AISTACK_IMAGE_AISTACK=%s\n' "$OURS"
    for id in $IDS; do
        printf 'AISTACK_IMAGE_%s=%s\n' "$(printf %s "$id" | tr 'a-z-' 'A-Z_')" "$(image "$id")"
    done
}

case ${1:-} in
missing) missing ;;
make) make_all ;;
env) names ;;
*) sed -n '2,6s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
