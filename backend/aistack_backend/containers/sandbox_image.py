"""The image that shell commands run in: found by name, or made of this machine's static busybox (2 MB)."""

from __future__ import annotations

import io
import shutil
import stat
import tarfile
from collections.abc import Iterable
from pathlib import Path

from aistack_backend.containers.models import Image
from aistack_backend.containers.port import Podman
from aistack_backend.errors import NotFound, Unavailable

TAG = "localhost/aistack-sandbox:1"
USUAL = (TAG, "localhost/aistack-probe:1")
HINT = (
    "Install a static busybox (Debian: busybox-static) and start the backend again: it makes the image by itself;"
    " or set podman.sandbox_image to an image that has /bin/sh."
)
APPLETS = """
    sh ash awk base64 basename cat chmod cksum cmp comm cp cut date dd df diff dirname du echo env expr false find fold
    grep egrep fgrep gunzip gzip head hexdump hostname id kill ln ls md5sum mkdir mktemp more mv nl nproc od paste
    printf ps pwd readlink realpath rev rm rmdir sed seq sha1sum sha256sum sha512sum sleep sort split stat strings
    sum tac tail tar tee test [ timeout touch tr true tty uname uniq unxz unzip uptime vi wc which whoami xargs xzcat
    yes zcat
"""


def names(configured: str) -> tuple[str, ...]:
    """Return the image names that are looked for, in order."""
    return (configured,) if configured else USUAL


def find(podman: Podman, configured: str = "") -> Image | None:
    """Return the first image that exists, or None.

    Raises:
        PodmanDown: Podman does not answer.
    """
    for name in names(configured):
        try:
            return podman.image(name)
        except NotFound:
            continue
    return None


def ensure(podman: Podman, configured: str = "") -> Image:
    """Return the image, making it of this machine's busybox when none of the usual ones exists.

    Raises:
        Unavailable: a configured image is missing, or there is no static busybox here.
    """
    found = find(podman, configured)
    if found is not None:
        return found
    if configured:
        raise Unavailable(f"The sandbox image {configured} does not exist.", "Pull it, or unset it to use our own.")
    busybox = shutil.which("busybox")
    if busybox is None or not is_static(Path(busybox)):
        raise Unavailable("There is no static busybox to make the sandbox image of.", HINT)
    changes = ("ENV PATH=/bin", 'CMD ["/bin/sh"]', "LABEL io.aistack.managed=true")
    return podman.image(podman.import_image(root_tar(Path(busybox), APPLETS.split()), TAG, changes))


def is_static(program: Path) -> bool:
    """Tell whether an ELF program needs no interpreter (no PT_INTERP): only such runs in an empty root."""
    try:
        data = program.read_bytes()
    except OSError:
        return False
    if data[:4] != b"\x7fELF" or data[4] != 2:
        return False
    offset = int.from_bytes(data[32:40], "little")
    size, count = int.from_bytes(data[54:56], "little"), int.from_bytes(data[56:58], "little")
    kinds = (int.from_bytes(data[offset + i * size : offset + i * size + 4], "little") for i in range(count))
    return 3 not in kinds


def root_tar(busybox: Path, applets: Iterable[str]) -> bytes:
    """Return a root file system of one program and its names, the same bytes for the same program."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for folder in ("bin", "etc", "tmp", "proc", "sys", "dev", "run"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            tar.addfile(entry)
        program = tarfile.TarInfo("bin/busybox")
        data = busybox.read_bytes()
        program.size, program.mode = len(data), stat.S_IMODE(0o755)
        tar.addfile(program, io.BytesIO(data))
        for applet in applets:
            link = tarfile.TarInfo(f"bin/{applet}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
        users = b"root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/tmp:/bin/sh\n"
        passwd = tarfile.TarInfo("etc/passwd")
        passwd.size, passwd.mode = len(users), 0o644
        tar.addfile(passwd, io.BytesIO(users))
    return out.getvalue()
