#!/usr/bin/env bash
# The test bed: Podman, its API service, and the images that the tests run (ADR 0005).
#   scripts/testbed.sh plan    say what `up` would do; exit 1 where it cannot, if CI=true
#   scripts/testbed.sh up      do it; where Podman already runs a container, only images and service are added
#   scripts/testbed.sh check   exit 0 when everything is there
#   scripts/testbed.sh stop    end the API service, if it was started here
#   scripts/testbed.sh env     print the variables that put the test bed's images into compose/stack.yml
# No image registry is used: images are made of Debian packages by mmdebstrap. Undo: remove $DROPIN.
set -euo pipefail
cd "$(dirname "$0")/.."

SUITE=bookworm
PROBE=localhost/aistack-probe:1
DEBIAN=localhost/aistack-debian:$SUITE
CORE=localhost/aistack-core:1
POSTGRES=localhost/aistack-postgres:17
STACK=tests/bed/images/build.sh
DROPIN=/etc/containers/containers.conf.d/60-aistack-testbed.conf
PACKAGES="podman runc netavark aardvark-dns iptables conmon catatonit busybox-static ca-certificates curl mmdebstrap openssh-server docker-registry"
if [ "$(id -u)" = 0 ]; then RUN=/run; else RUN=${XDG_RUNTIME_DIR:-/tmp}; fi
SOCKET=$RUN/podman/podman.sock
STATE=$PWD/.cache/testbed

say() { printf 'testbed: %s\n' "$*"; }
have() { command -v "$1" >/dev/null 2>&1; }
may_install() { [ "$(id -u)" = 0 ] && have apt-get; }
service_answers() { [ -S "$SOCKET" ] && curl -fsS -m 5 --unix-socket "$SOCKET" http://d/_ping >/dev/null 2>&1; }

missing_packages() {
    local name
    may_install || return 0
    for name in $PACKAGES; do
        dpkg-query -W -f '${Status}\n' "$name" 2>/dev/null | grep -q 'ok installed' || printf '%s ' "$name"
    done
}

runs_a_container() { # with a memory limit and the default network, as the tests need it
    have podman && podman image exists "$PROBE" 2>/dev/null &&
        podman run --rm --pull=never --memory 32m "$PROBE" ip -4 addr show eth0 >/dev/null 2>&1
}

missing_images() {
    local image
    for image in "$PROBE" "$DEBIAN" "$CORE" "$POSTGRES"; do
        podman image exists "$image" 2>/dev/null || printf '%s ' "$image"
    done
    "$STACK" missing
}

has_sshd() { have sshd || [ -x /usr/sbin/sshd ]; }
ready() { runs_a_container && has_sshd && [ -z "$(missing_images)" ] && service_answers; }

plan() {
    if ready; then
        say "ready: $(podman --version), API at unix://$SOCKET"
    elif may_install; then
        local packages
        packages=$(missing_packages)
        [ -z "$packages" ] || say "will install with apt-get: $packages"
        runs_a_container || say "will write $DROPIN, if Podman runs no container without it"
        say "will make these images, where missing: $PROBE $DEBIAN $CORE $POSTGRES; and the stack's, of tests/bed/images"
        service_answers || say "will start podman's API service at unix://$SOCKET"
    elif have podman; then
        say "will use $(podman --version) as it is; images that need root on Debian or Ubuntu are not made"
    else
        say "no Podman here, and this is not root on Debian or Ubuntu: install podman 4.3 or newer yourself"
        [ "${CI:-}" != true ] || return 1
    fi
}

install_packages() {
    local packages
    packages=$(missing_packages)
    [ -n "$packages" ] || return 0
    say "installing: $packages"
    export DEBIAN_FRONTEND=noninteractive
    # an sshd of its own is started by one test on a high port of loopback; the system's must not start
    local deny=/usr/sbin/policy-rc.d mine=no
    [ -e "$deny" ] || { mine=yes && printf '#!/bin/sh\nexit 101\n' >"$deny" && chmod +x "$deny"; }
    # shellcheck disable=SC2086
    apt-get install -y -qq --no-install-recommends $packages >/dev/null 2>&1 || {
        apt-get update -qq >/dev/null
        apt-get install -y -qq --no-install-recommends $packages >/dev/null
    }
    [ "$mine" = no ] || rm -f "$deny"
}

limit() { # limit FLAG MOST: the hard limit, or MOST where that is lower
    local hard
    hard=$(ulimit -H"$1")
    if [ "$hard" = unlimited ] || [ "$hard" -gt "$2" ]; then echo "$2"; else echo "$hard"; fi
}

write_dropin() {
    local groups=cgroupfs
    [ -d /run/systemd/system ] && groups=systemd
    mkdir -p "$(dirname "$DROPIN")"
    cat >"$DROPIN" <<END
# Written by scripts/testbed.sh of aistack-console; remove this file to undo it.
[containers]
default_ulimits = ["nofile=$(limit n 4096):$(limit n 4096)", "nproc=$(limit u 4096):$(limit u 4096)"]
log_driver = "k8s-file"
[network]
network_backend = "netavark"
[engine]
runtime = "runc"
cgroup_manager = "$groups"
events_logger = "file"
END
    [ -f /etc/containers/policy.json ] ||
        printf '{"default":[{"type":"insecureAcceptAnything"}]}\n' >/etc/containers/policy.json
    [ "$(cat /proc/sys/net/ipv4/ip_forward)" = 1 ] || echo 1 >/proc/sys/net/ipv4/ip_forward || true
}

make_probe() { # busybox alone, 2 MB
    podman image exists "$PROBE" && return 0
    local root applet
    have busybox || { say "busybox (static) is needed to make $PROBE"; return 1; }
    root=$(mktemp -d)
    mkdir -p "$root"/{bin,etc,tmp,run,proc,sys,dev,var}
    chmod 1777 "$root/tmp"
    cp "$(command -v busybox)" "$root/bin/busybox"
    for applet in $(busybox --list); do [ "$applet" = busybox ] || ln -sf busybox "$root/bin/$applet"; done
    printf 'root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' >"$root/etc/passwd"
    printf 'root:x:0:\nnogroup:x:65534:\n' >"$root/etc/group"
    tar -C "$root" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -c . |
        podman import -q -c 'ENV PATH=/bin' -c 'CMD ["/bin/sh"]' - "$PROBE" >/dev/null
    rm -rf "$root"
    say "made $PROBE"
}

make_debian() { # make_debian IMAGE PACKAGES [SUITE] [VARIANT]: a Debian of just these, from the machine's own mirror
    podman image exists "$1" && return 0
    may_install || { say "$1 can only be made by root on Debian or Ubuntu"; return 1; }
    local began=$SECONDS tar
    tar=$(mktemp -p "$STATE" debian.XXXXXX.tar)
    mmdebstrap --quiet --format=tar --variant="${4:-minbase}" --include="$2" --dpkgopt=force-unsafe-io \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' --aptopt='Acquire::Languages "none"' \
        --dpkgopt='path-exclude=/usr/lib/*/libLLVM*' --dpkgopt='path-exclude=/usr/lib/llvm-*/*' \
        --dpkgopt='path-exclude=/usr/lib/postgresql/*/lib/llvmjit.so' --dpkgopt='path-exclude=/usr/lib/postgresql/*/lib/bitcode/*' \
        --customize-hook='rm -rf "$1"/var/lib/postgresql/*/main "$1"/etc/postgresql/*/main' \
        --customize-hook='for d in "$1"/usr/lib/postgresql/*/bin; do [ ! -d "$d" ] || ln -s "${d#"$1"}" "$1/opt/pgbin"; done' \
        "${3:-$SUITE}" "$tar" "$(mirror)"
    podman import -q -c 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
        -c 'CMD ["bash"]' "$tar" "$1" >/dev/null
    rm -f "$tar"
    say "made $1 in $((SECONDS - began)) s"
}

make_bases() { # side by side: each waits for the mirror and for dpkg by turns
    local job jobs=()
    make_debian "$DEBIAN" ca-certificates,tini,python3-minimal & jobs+=($!)
    make_debian "$CORE" ca-certificates,tini,postgresql,redis-server,nginx-light,prometheus,python3-venv,curl,procps,libgomp1 & jobs+=($!)
    # pgvector is in Debian from trixie on
    make_debian "$POSTGRES" ca-certificates,postgresql-17,postgresql-17-pgvector trixie essential & jobs+=($!)
    for job in "${jobs[@]}"; do wait "$job" || return 1; done
}

mirror() {
    awk '/^URIs:/{print $2; exit}' /etc/apt/sources.list.d/debian.sources 2>/dev/null ||
        awk '$1=="deb"{print $2; exit}' /etc/apt/sources.list
}

remove_ghosts() { # containers of earlier tests whose process was killed with its monitor: Podman keeps their names
    local id pid
    podman ps -aq 2>/dev/null | while read -r id; do
        pid=$(podman inspect "$id" --format '{{.State.Pid}} {{.ImageName}}')
        case $pid in 0" "*) continue ;; *" localhost/aistack-"*) ;; *) continue ;; esac
        [ -d "/proc/${pid%% *}" ] && continue
        podman rm -f -t 0 "$id" >/dev/null 2>&1 || podman rm -f -t 0 "$id" >/dev/null 2>&1 || continue
        say "removed container ${id:0:12}, which an earlier test left behind"
    done
}

end_stranded() { # a service that stands in a folder that is gone answers, and can start no container
    local pid
    for pid in $(pgrep -f "^podman system service --time=0 unix://$SOCKET\$"); do
        case $(readlink "/proc/$pid/cwd") in
        *' (deleted)')
            kill "$pid"
            tail --pid="$pid" -f /dev/null
            say "ended podman's service (pid $pid), whose folder was removed"
            ;;
        esac
    done
}

start_service() {
    end_stranded
    service_answers && return 0
    if [ -d /run/systemd/system ]; then
        if [ "$(id -u)" = 0 ]; then systemctl start podman.socket || true; else systemctl --user start podman.socket || true; fi
        service_answers && return 0
    fi
    mkdir -p "$(dirname "$SOCKET")"
    rm -f "$SOCKET"
    (cd / && exec setsid podman system service --time=0 "unix://$SOCKET") >"$STATE/service.log" 2>&1 </dev/null &
    echo $! >"$STATE/service.pid"
    local try
    for try in $(seq 100); do
        service_answers && say "API service started (pid $(cat "$STATE/service.pid"), try $try)" && return 0
        sleep 0.1
    done
    say "podman's API service did not come up at $SOCKET; see $STATE/service.log"
    return 1
}

up() {
    local began
    mkdir -p "$STATE"
    plan
    ! have podman || remove_ghosts
    ready && return 0
    ! may_install || install_packages
    have podman || { say "no Podman: the tests that need it cannot run"; return 1; }
    make_probe || true
    if ! runs_a_container && may_install; then
        write_dropin
        make_probe
    fi
    runs_a_container || { podman run --rm --pull=never --memory 32m "$PROBE" ip addr || true; say "Podman runs no container"; return 1; }
    start_service
    make_bases
    began=$SECONDS
    "$STACK" make && say "made the stack's images in $((SECONDS - began)) s"
    ready || { say "not everything is there: $(missing_images)"; return 1; }
    say "ready: $(podman --version), API at unix://$SOCKET"
}

stop() {
    [ -f "$STATE/service.pid" ] || return 0
    kill "$(cat "$STATE/service.pid")" 2>/dev/null || true
    rm -f "$STATE/service.pid"
}

case ${1:-} in
plan) plan ;;
up) up ;;
check) ready ;;
stop) stop ;;
env) "$STACK" env ;;
*) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
