#!/usr/bin/env bash
# The tests of Podman once more, on Podman 5 of the next Debian, beside the one that is installed.
#   scripts/podman5.sh run [PYTEST ARGS]   make the tree, start its service, run the tests of tests/podman, the contracts
#                                          and small stacks against it, stop it
#   scripts/podman5.sh up | stop           only the tree and its service; end it
# Needs root on Debian and a kernel where mounts and namespaces may be made. The tree lies in .cache/podman5 (420 MB);
# it shares kernel, cgroups and network with the host, and nothing else: own storage, own /run, own subnets.
set -euo pipefail
cd "$(dirname "$0")/.."
ROOT=$PWD
TREE=$ROOT/.cache/podman5
SOCKET=/run/aistack-podman5/sock/podman.sock
PID=/run/aistack-podman5/pid
PROBE=localhost/aistack-probe:1
# the certificate's tests need an image of the stack, and this Podman has the probe alone
TESTS="tests/podman --ignore=tests/podman/test_certificate.py tests/contracts tests/stack/test_up_down.py tests/stack/test_heal.py tests/stack/test_killed.py tests/stack/test_ladder.py"

say() { printf 'podman5: %s\n' "$*"; }
answers() { curl -fsS -m 2 --unix-socket "$SOCKET" http://d/_ping >/dev/null 2>&1; }

tree() {
    [ -x "$TREE/usr/bin/podman" ] && return 0
    local packages=podman,runc,netavark,aardvark-dns,iptables,catatonit,conmon,ca-certificates mirror
    mirror=$(awk '/^URIs:/{print $2; exit}' /etc/apt/sources.list.d/debian.sources)
    say "making $TREE"
    mkdir -p "$ROOT/.cache"
    rm -rf "$TREE"
    mmdebstrap --quiet --format=directory --variant=minbase --include="$packages" trixie "$TREE" "$mirror"
    mkdir -p "$TREE/etc/containers/containers.conf.d" "$TREE/etc/containers/networks"
    cat >"$TREE/etc/containers/containers.conf.d/60-aistack.conf" <<END
[containers]
default_ulimits = ["nofile=$(limit n):$(limit n)", "nproc=$(limit u):$(limit u)"]
log_driver = "k8s-file"
[network]
firewall_driver = "iptables"
default_subnet = "10.188.0.0/16"
default_subnet_pools = [{"base" = "10.189.0.0/16", "size" = 24}]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
END
    # the default bridge of the installed Podman is called podman0
    cat >"$TREE/etc/containers/networks/podman.json" <<END
{"name": "podman", "id": "$(printf podman5 | sha256sum | cut -c1-64)", "driver": "bridge",
 "network_interface": "aipod5", "created": "2026-01-01T00:00:00Z",
 "subnets": [{"subnet": "10.188.0.0/16", "gateway": "10.188.0.1"}],
 "ipv6_enabled": false, "internal": false, "dns_enabled": false, "ipam_options": {"driver": "host-local"}}
END
}

limit() { # the hard limit, or 4096 where that is lower
    local hard
    hard=$(ulimit -H"$1")
    if [ "$hard" = unlimited ] || [ "$hard" -gt 4096 ]; then echo 4096; else echo "$hard"; fi
}

enter() { # enter COMMAND...: run it with the tree as its root, in a mount namespace of its own
    TREE=$TREE exec unshare --mount --propagation private bash -c '
        set -e
        mount --bind "$TREE" "$TREE"
        cd "$TREE"
        mount -t proc proc proc
        for place in sys dev; do mount --rbind "/$place" "$place"; done
        mkdir -p /run/aistack-podman5/run /run/aistack-podman5/sock
        mount --bind /run/aistack-podman5/run run
        mkdir -p run/lock run/netns aistack before tmp
        mount --bind /run/aistack-podman5/sock aistack
        mount --bind /tmp tmp
        pivot_root . before
        cd /
        umount -l /before
        mount --make-rshared /
        exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root PODMAN_IGNORE_CGROUPSV1_WARNING=1 "$@"' - "$@"
}

up() {
    tree
    answers && return 0
    mkdir -p "$(dirname "$SOCKET")"
    cp /etc/resolv.conf "$TREE/etc/resolv.conf"
    rm -f "$SOCKET"
    (enter podman system service --time=0 unix:///aistack/podman.sock) >"$ROOT/.cache/podman5.log" 2>&1 </dev/null &
    echo $! >"$PID"
    local try
    for try in $(seq 100); do answers && break || sleep 0.1; done
    answers || { tail -5 "$ROOT/.cache/podman5.log" >&2; return 1; }
    cli image exists "$PROBE" || podman save "$PROBE" | cli load -q >/dev/null
    say "$(cli --version) answers at unix://$SOCKET (try $try)"
}

cli() {
    (exec nsenter -t "$(cat "$PID")" -m -- env PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
        PODMAN_IGNORE_CGROUPSV1_WARNING=1 podman "$@")
}

stop() {
    [ -f "$PID" ] || return 0
    kill "$(cat "$PID")" 2>/dev/null || true
    rm -f "$PID"
}

run() {
    up
    trap stop EXIT
    local bin
    bin=$(mktemp -d)
    printf '#!/bin/sh\nexec nsenter -t %s -m -- env PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root %s podman "$@"\n' \
        "$(cat "$PID")" PODMAN_IGNORE_CGROUPSV1_WARNING=1 >"$bin/podman"
    chmod +x "$bin/podman"
    # shellcheck disable=SC2086
    PATH=$bin:$PATH AISTACK_TEST_PODMAN=$SOCKET .venv/bin/python -m pytest -q -m "podman and not stack and not soak" \
        ${*:-$TESTS}
}

case ${1:-} in
up) up ;;
stop) stop ;;
cli) shift && cli "$@" ;;
run) shift && run "$@" ;;
*) sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
