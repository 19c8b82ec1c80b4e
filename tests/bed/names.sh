#!/usr/bin/env bash
# How often does a network's name server fall silent when containers of it stop? For people, not for the test run.
#   names.sh alone|sequence|other [ROUNDS]
#     alone     one container stops a round, 2 s after its start
#     sequence  three stop within about a second
#     other     as alone, while containers of another network start and end
# A prober asks for a name that is always there five times a second; a round is silent when it gets no answer 2 s after the
# stops. What was measured stands in docs/names.md.
set -euo pipefail
MODE=${1:?alone, sequence or other} ROUNDS=${2:-8}
PROBE=localhost/aistack-core:1
NET=names-$$ OTHER=names-other-$$
HALT=$(mktemp -u)
ASK='
import random, re, socket, struct, time
server = re.search(r"(?m)^nameserver (\S+)", open("/etc/resolv.conf").read())[1]
name = b"".join(bytes([len(part)]) + part.encode() for part in ("keeper",)) + b"\0"
while True:
    asked = struct.pack(">HHHHHH", random.randrange(65536), 0x100, 1, 0, 0, 0) + name + struct.pack(">HH", 1, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as port:
        port.settimeout(1)
        port.sendto(asked, (server, 53))
        try:
            print("yes" if struct.unpack(">H", port.recv(512)[6:8])[0] else "no such name", flush=True)
        except OSError:
            print("silent", flush=True)
    time.sleep(0.2)
'

box() { # box NAME NETWORK COMMAND…
    podman run -d --pull=never --name "$1-$$" --network "$2" ${ALIAS:+--network-alias "$ALIAS"} --entrypoint "$3" "$PROBE" "${@:4}" >/dev/null
}
clean() {
    touch "$HALT"
    wait
    podman ps -aq --filter "name=-$$\$" | xargs -r podman rm -f -t 0 >/dev/null
    podman network rm -f "$NET" "$OTHER" >/dev/null 2>&1 || true
    rm -f "$HALT"
}
trap clean EXIT

podman network create "$NET" >/dev/null
ALIAS=keeper box keeper "$NET" sleep 1000
box prober "$NET" python3 -c "$ASK"
if [ "$MODE" = other ]; then
    podman network create "$OTHER" >/dev/null
    box steady "$OTHER" sleep 1000
    (while [ ! -e "$HALT" ]; do podman run --rm --pull=never --network "$OTHER" --entrypoint true "$PROBE" || true; done) >/dev/null 2>&1 &
fi
count=1 silent=0
[ "$MODE" != sequence ] || count=3
for ((round = 0; round < ROUNDS; round++)); do
    for ((at = 0; at < count; at++)); do box "victim$at" "$NET" sleep 1000; done
    sleep 2
    for ((at = 0; at < count; at++)); do podman stop -t 0 "victim$at-$$" >/dev/null; done
    sleep 2.2
    [ "$(podman logs --tail 1 "prober-$$")" = yes ] || silent=$((silent + 1))
    for ((at = 0; at < count; at++)); do podman rm -f "victim$at-$$" >/dev/null; done
done
echo "$MODE: silent after $silent of $ROUNDS rounds; load $(cut -d' ' -f1 /proc/loadavg)"
