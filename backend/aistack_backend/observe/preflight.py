"""What can keep a stack from coming up, checked before it is brought up: Podman, names, GPU, secrets, images, ports."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from aistack_backend.containers.provision import HostInfo, Secret
from aistack_backend.containers.stack.models import Manifest
from aistack_backend.observe.doctor import Check
from aistack_backend.wire.status import Finding

OLDEST = (4, 3)
"""The oldest Podman whose API answers what we ask (``tests/contracts``)."""
Wanted = Callable[[], Manifest]
"""Returns the manifest, or raises what is wrong with it."""


def manifest(wanted: Wanted) -> Check:
    """Check that the Compose file can be read."""

    def ask() -> Finding:
        try:
            found = wanted()
        except Exception as error:
            return Finding(name="stack", ok=False, detail=str(error), fix="Mend that line; `plan` shows the result.")
        return Finding(name="stack", ok=True, detail=f"{len(found.services)} services in {', '.join(found.files)}.")

    return Check("stack", ask)


def engine(info: Callable[[], HostInfo], systemd: Path = Path("/run/systemd/system")) -> Check:
    """Check Podman's version, and say how it runs."""

    def ask() -> Finding:
        found = info()
        digits = tuple(int(part) for part in found.version.split(".")[:2] if part.isdigit())
        how = "rootless" if found.rootless else "rootful"
        health = "systemd runs health commands" if systemd.exists() else "no systemd: we run health commands ourselves"
        detail = f"Podman {found.version}, {how}, cgroups {found.cgroup_version or 'unknown'}; {health}."
        if digits >= OLDEST:
            return Finding(name="podman version", ok=True, detail=detail)
        return Finding(
            name="podman version", ok=False, detail=detail, fix=f"Install Podman {OLDEST[0]}.{OLDEST[1]} or newer."
        )

    return Check("podman version", ask)


def name_resolution(
    info: Callable[[], HostInfo], folders: tuple[str, ...] = ("/usr/lib/podman", "/usr/libexec/podman")
) -> Check:
    """Check that containers will find each other by name."""

    def ask() -> Finding:
        backend = info().network_backend
        if backend != "netavark":
            detail = f"The network backend is {backend or 'not told'}; names resolve only with its dnsname plugin."
            return Finding(name="names", ok=None, detail=detail, fix="Use netavark with aardvark-dns.")
        found = next((path for folder in folders if (path := Path(folder) / "aardvark-dns").exists()), None)
        if found is None and shutil.which("aardvark-dns") is None:
            detail = "netavark is there and aardvark-dns is not: containers will not find each other by name."
            return Finding(name="names", ok=False, detail=detail, fix="Install the package aardvark-dns.")
        return Finding(name="names", ok=True, detail="netavark with aardvark-dns: names resolve on our network.")

    return Check("names", ask)


def images(present: Callable[[str], bool], wanted: Wanted) -> Check:
    """Check which images are here, and how the others would come."""

    def ask() -> Finding:
        declared = {service.image: service for service in wanted().services.values()}
        missing = [service for image, service in declared.items() if not present(image)]
        if not missing:
            return Finding(name="images", ok=True, detail=f"All {len(declared)} images are here.")
        built = sorted({one.image for one in missing if one.build})
        pulled = sorted({one.image for one in missing if not one.build})
        ways = [
            f"{len(pulled)} to pull ({_some(pulled)})" if pulled else "",
            f"{len(built)} to build ({_some(built)})" if built else "",
        ]
        detail = f"{len(missing)} of {len(declared)} images are missing: {', '.join(filter(None, ways))}."
        return Finding(name="images", ok=None, detail=detail, fix="`up` gets them; the first time takes minutes.")

    return Check("images", ask)


def secrets(kept_now: Callable[[], Sequence[Secret]], wanted: Wanted) -> Check:
    """Check which secrets are kept, and which would be made or are missing."""

    def ask() -> Finding:
        kept = {secret.name for secret in kept_now()}
        declared = wanted().secrets.values()
        absent = [one for one in declared if one.name not in kept]
        hopeless = sorted(one.name for one in absent if one.external)
        unreadable = sorted(one.file for one in absent if one.file and not Path(one.file).is_file())
        if hopeless or unreadable:
            detail = f"Missing: {_some([*hopeless, *unreadable])}."
            return Finding(name="secrets", ok=False, detail=detail, fix="podman secret create NAME FILE")
        tail = f", {len(absent)} will be made at the first up" if absent else ""
        return Finding(name="secrets", ok=True, detail=f"{len(kept & {one.name for one in declared})} kept{tail}.")

    return Check("secrets", ask)


def gpu_runtime(gpus: Callable[[], int], cdi: tuple[Path, ...] = (Path("/etc/cdi"), Path("/var/run/cdi"))) -> Check:
    """Check that containers can use the GPU, where there is one; none is a normal state."""

    def ask() -> Finding:
        count = gpus()
        if not count:
            return Finding(name="gpu", ok=True, detail="No GPU: models run on the processor.")
        if any(folder.is_dir() and any(folder.iterdir()) for folder in cdi):
            return Finding(name="gpu", ok=True, detail=f"{count} GPU, and a CDI description for containers.")
        detail = f"{count} GPU, and no CDI description: containers cannot use it."
        return Finding(name="gpu", ok=None, detail=detail, fix="nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml")

    return Check("gpu", ask)


def _some(names: list[str], most: int = 4) -> str:
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown
