"""What a shell command in the sandbox cannot do (R4.8), tried from inside, on real Podman."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from tests.contracts.podman_beds import PROBE, RealBed

from aistack_backend.containers import sandbox, sandbox_image
from aistack_backend.containers.sandbox import ShellTool

pytestmark = pytest.mark.podman
PROBES = {
    "write the root": "echo x > /x",
    "write a program": "echo x > /bin/x",
    "run from /tmp": "cp /bin/busybox /tmp/b 2>/dev/null || cp /bin/sh /tmp/b; /tmp/b true",
    "fill the disk": "dd if=/dev/zero of=/tmp/f bs=1M count=100",
    "mount": "mount -t tmpfs none /tmp",
    "unmount": "umount /tmp",
    "make a device": "mknod /tmp/d b 8 0",
    "become root": "su -c true || chroot / true",
    "own a file": "touch /tmp/a && chown 0:0 /tmp/a",
    "write sysrq": "echo h > /proc/sysrq-trigger",
    "write a sysctl": "echo 1 > /proc/sys/kernel/panic",
    "write a control group": "echo 1 > /sys/fs/cgroup/memory/memory.limit_in_bytes",
    "find Podman's socket": "ls /run/podman/podman.sock",
    "find the host's files": "ls /home /var/lib/containers",
    "read shadow": "cat /etc/shadow",
    "set the clock": "date -s 2000-01-01; [ $(date +%Y) = 2000 ]",
    "set the host name": "hostname evil",
    "signal the init": "kill -9 1 && sleep 0.2 && kill -0 1 && false",
    "open a raw socket": "ping -c 1 127.0.0.1",
    "reach another machine": "wget -T 1 -O /dev/null http://192.0.2.1/",
    "see other processes": "[ $(ls -d /proc/[0-9]* | wc -l) -gt 20 ]",
    "see another network": "[ $(ls /sys/class/net | grep -v lo | wc -l) -gt 0 ]",
    "enter a namespace": "unshare -m true",
    "load a module": "insmod /x.ko",
    "raise its priority": "nice -n -5 true && [ $(nice -n -5 nice) -lt 0 ]",
}


async def run(bed: RealBed, key: str, script: str) -> tuple[bool, str]:
    action = sandbox.action(script, bed.podman.image(PROBE).id, "agent:test", 1)
    outcome = await ShellTool(bed.podman).run(bed.name(key), action)
    return outcome.ok, outcome.text


async def test_the_walls_hold(bed: RealBed) -> None:
    checks = "\n".join(
        f"if ( {probe} ) >/dev/null 2>&1; then echo 'OPEN: {name}'; fi" for name, probe in PROBES.items()
    )
    ok, text = await run(bed, "walls", f"{checks}\nid -u; echo walls tried")
    assert ok, text
    assert "OPEN" not in text
    assert text.splitlines()[-2:] == ["65534", "walls tried"]


async def test_a_fork_bomb_and_a_memory_hog_stay_inside(bed: RealBed) -> None:
    began = time.monotonic()
    await run(bed, "bomb", "b() { b | b & }; b 2>/dev/null; sleep 1; echo alive")
    _, text = await run(bed, "hog", "head -c 1300000000 /dev/zero | tail >/dev/null; echo code $?")
    assert "code 0" not in text
    assert time.monotonic() - began < 60


async def test_a_cancelled_command_is_gone(bed: RealBed) -> None:
    action = sandbox.action("sleep 1000", bed.podman.image(PROBE).id, "agent:test", 1)
    name = sandbox.spec(bed.name("c"), action).name
    running = asyncio.create_task(ShellTool(bed.podman).run(bed.name("c"), action))

    def until_it_runs() -> None:
        for event in bed.podman.events():
            if event.name == name and event.action == "start":
                return

    await asyncio.wait_for(asyncio.to_thread(until_it_runs), 60)
    began = time.monotonic()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert time.monotonic() - began < 5
    assert name not in {one.name for one in bed.podman.list()}


async def test_our_own_image(bed: RealBed) -> None:
    busybox = Path("/bin/busybox")
    assert sandbox_image.is_static(busybox)
    tag = f"localhost/{bed.name('box')}:1"
    tar = sandbox_image.root_tar(busybox, sandbox_image.APPLETS.split())
    ident = bed.podman.import_image(tar, tag, ("ENV PATH=/bin",))
    try:
        assert sandbox_image.find(bed.podman, tag) == bed.podman.image(ident)
        action = sandbox.action("id -un; echo hi | sha256sum | cut -c1-6", ident, "agent:test", 1)
        outcome = await ShellTool(bed.podman).run(bed.name("own"), action)
        assert outcome.text == "nobody\n98ea6e"
    finally:
        bed.remove_image(tag)


def test_no_container_of_ours_has_podmans_socket(bed: RealBed) -> None:
    for row in bed.podman.list():
        if row.name.startswith("aistack-shell-"):
            document = bed.podman.inspect(row.id).document
            assert not document["Mounts"]
            assert not document["HostConfig"]["Privileged"]
