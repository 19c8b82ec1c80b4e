"""On real Podman: an image's own label must not make its containers count as ours (R4.7)."""

from __future__ import annotations

import os
import subprocess

import pytest
from tests.bed.boxes import PROBE, Boxes, podman

from aistack_backend.containers.parse import MANAGED
from aistack_backend.containers.podman import ApiPodman

pytestmark = pytest.mark.podman


def test_the_label_of_the_image_is_told_from_the_containers(unique: str) -> None:
    tag, boxes = f"localhost/{unique}labelled:1", Boxes(unique)
    port = ApiPodman(f"unix://{os.environ.get('AISTACK_TEST_PODMAN', '/run/podman/podman.sock')}", {})
    recipe = f"FROM {PROBE}\nLABEL {MANAGED}=true\n"
    subprocess.run(["podman", "build", "-q", "--pull=never", "-t", tag, "-"], input=recipe, text=True, check=True)
    try:
        name = boxes.run("theirs", image=tag)
        row = next(one for one in port.list() if one.name == name)
        assert row.managed  # Podman lists the inherited label as the container's
        assert MANAGED in port.image(row.image_id).labels
        assert MANAGED not in port.image(PROBE).labels
    finally:
        boxes.remove()
        podman("rmi", "-f", tag, check=False)
        port.close()
