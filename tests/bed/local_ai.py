"""What Podman has of the real stack, whose names begin with ``local-ai``, and its removal."""

from __future__ import annotations

from tests.bed.boxes import podman

NAMES = {"ps": "{{.Names}}", "volume": "{{.Name}}", "secret": "{{.Name}}", "network": "{{.Name}}", "pod": "{{.Name}}"}


def names(kind: str) -> set[str]:
    """The names of its containers (``ps``), volumes, secrets, networks, or the pod that podman-compose makes."""
    words = ("ps", "-a") if kind == "ps" else (kind, "ls")
    lines = podman(*words, "--format", NAMES[kind]).splitlines()
    return {one for one in lines if one.startswith("pod_local-ai" if kind == "pod" else "local-ai")}


def remove(*, secrets: bool = True) -> None:
    """Take containers, pod, volumes and network away, and the secrets too; assert that they are gone.

    Containers of podman-compose depend on each other: Podman removes one only after, or together with, those that
    need it.
    """
    kinds = ("volume", "network", *(("secret",) if secrets else ()))
    for pod in names("pod"):
        podman("pod", "rm", "-f", "-t", "0", pod, check=False)
    while boxes := names("ps"):
        podman("rm", "-f", "--depend", "-t", "0", sorted(boxes)[0])
    for kind in kinds:
        if found := names(kind):
            podman(kind, "rm", *found)
