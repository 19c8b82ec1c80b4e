"""What a hostile program tries inside the sandbox: run there as text; prints one JSON object of what it got.

Each probe returns a text when it got something that it must not have, and "" or an OSError when it was held.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import socket
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path

libc = ctypes.CDLL(None, use_errno=True)
NEWNS, NEWUSER, NEWNET = 0x20000, 0x10000000, 0x40000000
KEYRING = {"x86_64": (248, 250), "aarch64": (217, 219)}
CALLS = {"x86_64": {"bpf": 321, "perf": 298, "pivot": 155, "handle": 304, "module": 175, "kexec": 246}}


def call(result: int) -> str:
    if result >= 0:
        return f"the call gave {result}"
    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def syscall(name: str, *arguments: int) -> str:
    return call(libc.syscall(CALLS["x86_64"][name], *arguments))


def write(path: str, text: str = "x") -> str:
    Path(path).write_text(text)
    return f"wrote {path}"


def connects(family: int, address: object) -> str:
    with socket.socket(family, socket.SOCK_STREAM) as one:
        one.settimeout(2)
        one.connect(address)  # type: ignore[arg-type]
    return f"connected to {address}"


def makes(family: int, kind: int) -> str:
    socket.socket(family, kind).close()
    return "made a raw socket"


def status(name: str) -> str:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(line.split()[1] for line in lines if line.startswith(name))


def outsiders() -> str:
    """Processes that are not of this container: ours are the init, this program and nothing else."""
    found = [path for path in Path("/proc").iterdir() if path.name.isdigit()]
    return "" if len(found) <= 3 else f"sees {len(found)} processes"


def interfaces() -> str:
    others = [name for _, name in socket.if_nameindex() if name != "lo"]
    return f"has {others}" if others else ""


def runs_from_tmp() -> str:
    Path("/tmp/x").write_text("#!/bin/sh\necho run\n")
    Path("/tmp/x").chmod(0o755)
    os.execv("/tmp/x", ["x"])
    return "ran"


def raised() -> str:
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
    return "raised nofile"


def device() -> str:
    os.mknod("/tmp/null", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    return "made a device"


def reads_disks() -> str:
    names = ("sd", "vd", "nvme", "mem", "kmsg", "kvm", "dm-")
    found = [path for path in Path("/dev").iterdir() if path.name.startswith(names)]
    opened = []
    for path in found:
        with contextlib.suppress(OSError):
            os.close(os.open(path, os.O_RDONLY))
            opened.append(path.name)
    return f"opened {opened}" if opened else ""


def setuid_bit() -> str:
    Path("/workspace/su").write_bytes(b"\x7fELF")
    Path("/workspace/su").chmod(0o4755)
    flags = os.statvfs("/workspace").f_flag
    return "" if flags & os.ST_NOSUID and flags & 4 else "set-uid programs or devices count in the workspace"


def made(path: str) -> str:
    Path(path).unlink()
    return f"removed {path}"


def hard_link() -> str:
    os.link("/etc/passwd", "/workspace/passwd")
    return "linked a file of the image"


def mounts() -> str:
    writable = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields = line.split()
        if "rw" in fields[5].split(",") and os.access(fields[4], os.W_OK) and Path(fields[4]).is_dir():
            writable.append(fields[4])
    odd = set(writable) - {"/tmp", "/workspace", "/dev/shm", "/dev/mqueue"}
    return f"can write {sorted(odd)}" if odd else ""


def opens_disk() -> str:
    os.mknod("/tmp/disk", 0o600 | stat.S_IFBLK, os.makedev(8, 0))
    os.close(os.open("/tmp/disk", os.O_RDONLY))
    return "opened a disk"


def apart(attempt: Callable[[], str]) -> Callable[[], str]:
    """Return the attempt made as root of a user namespace of one's own, which Podman's seccomp profile lets a program
    make: it must gain nothing by it."""

    def tried() -> str:
        child = os.fork()
        if child == 0:
            uid, code = os.getuid(), 0
            with contextlib.suppress(OSError, ValueError):
                if libc.unshare(NEWUSER | NEWNS) == 0:
                    Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
                code = 1 if attempt() else 0
            os._exit(code)
        return "got it" if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) else ""

    return tried


def calls(host: str) -> dict[str, Callable[[], str]]:
    """The attempts by system calls of the kernel."""
    return {
        "new mount namespace": lambda: call(libc.unshare(NEWNS)),
        "new network": lambda: call(libc.unshare(NEWNET)),
        "as its own root, write the root": apart(lambda: write("/x")),
        "as its own root, remount the root": apart(lambda: call(libc.mount(None, b"/", None, 0x20, None))),
        "as its own root, remount what it is told": apart(lambda: call(libc.mount(None, b"/loop", None, 0x1020, None))),
        "as its own root, sysrq": apart(lambda: write("/proc/sysrq-trigger", "h")),
        "as its own root, open a disk": apart(opens_disk),
        "as its own root, reach the machine": apart(lambda: connects(socket.AF_INET, (host, 22))),
        "as its own root, load a module": apart(lambda: syscall("module", 0, 0, 0)),
        "as its own root, core pattern": apart(lambda: write("/proc/sys/kernel/core_pattern")),
        "as its own root, set the clock": apart(lambda: str(time.clock_settime(time.CLOCK_REALTIME, 0) or "set")),
        "add a key": lambda: call(libc.syscall(KEYRING["x86_64"][0], b"user", b"x", b"y", 1, -3)),
        "read keys": lambda: "" if libc.syscall(KEYRING["x86_64"][1], 11, -3, 0, 0) <= 0 else "has keys",
        "load a module": lambda: syscall("module", 0, 0, 0),
        "load a kernel": lambda: syscall("kexec", 0, 0, 0, 0),
        "bpf": lambda: syscall("bpf", 0, 0, 0),
        "performance events": lambda: syscall("perf", 0, 0, -1, -1, 0),
        "open by handle": lambda: syscall("handle", -100, 0, 0),
        "raise a limit": raised,
        "capabilities": lambda: "" if int(status("CapEff"), 16) == 0 and int(status("CapBnd"), 16) == 0 else "has some",
        "new privileges": lambda: "" if status("NoNewPrivs") == "1" else "may get them",
        "seccomp": lambda: "" if status("Seccomp") == "2" else "is off",
        "set-uid in the workspace": setuid_bit,
    }


def probes(host: str, hidden: str) -> dict[str, Callable[[], str]]:
    """The attempts, by name."""
    return {
        "write the root": lambda: write("/x"),
        "write passwd": lambda: write("/etc/passwd"),
        "write what the agent is told": lambda: write("/loop/proof.sh"),
        "remove what the agent is told": lambda: made("/loop/proof.sh"),
        "mount": lambda: call(libc.mount(b"none", b"/tmp", b"tmpfs", 0, None)),
        "remount the root": lambda: call(libc.mount(None, b"/", None, 0x20, None)),
        "unmount proc": lambda: call(libc.umount2(b"/proc", 2)),
        "pivot the root": lambda: syscall("pivot", 0, 0),
        "chroot": lambda: str(os.chroot("/tmp") or "changed the root"),
        "see other processes": outsiders,
        "raw packets": lambda: makes(socket.AF_PACKET, socket.SOCK_RAW),
        "raw internet": lambda: makes(socket.AF_INET, socket.SOCK_RAW),
        "interfaces": interfaces,
        "reach the machine": lambda: connects(socket.AF_INET, (host, 22)),
        "reach the metadata address": lambda: connects(socket.AF_INET, ("169.254.169.254", 80)),
        "reach Podman": lambda: connects(socket.AF_UNIX, "/run/podman/podman.sock"),
        "reach the backend": lambda: connects(socket.AF_UNIX, hidden),
        "become root": lambda: str(os.setuid(0) or "became root"),
        "make a device": device,
        "read disks and memory": reads_disks,
        "sysrq": lambda: write("/proc/sysrq-trigger", "h"),
        "core pattern": lambda: write("/proc/sys/kernel/core_pattern"),
        "write sys": lambda: write("/sys/kernel/mm/transparent_hugepage/enabled", "always"),
        "host name": lambda: str(socket.sethostname("x") or "named"),
        "set the clock": lambda: str(time.clock_settime(time.CLOCK_REALTIME, 0) or "set"),
        **calls(host),
        "link a file of the image": hard_link,
        "write anywhere else": mounts,
        "run from tmp": runs_from_tmp,  # last: it would replace this program
    }


def main() -> None:
    """Try them all."""
    got: dict[str, str] = {}
    for name, attempt in probes(sys.argv[1], sys.argv[2]).items():
        try:
            got[name] = attempt()
        except (OSError, ValueError):  # ValueError: what Python makes of a limit that may not be raised
            got[name] = ""
    print(json.dumps(got))


if __name__ == "__main__":
    main()
