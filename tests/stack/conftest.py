"""A stack of small containers on a real Podman, under names that nobody else has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.backend.stack.yard import Yard
from tests.contracts.podman_beds import SOCKET
from tests.contracts.provision_beds import clear

from aistack_backend.containers.podman import ApiPodman
from aistack_backend.containers.provision_api import ApiProvisioner


@pytest.fixture
def yard(tmp_path: Path, unique: str) -> Iterator[Yard]:
    """Planner, applier and ladder on the real thing; what they made goes at the end."""
    podman = ApiPodman(f"unix://{SOCKET}", {})
    made = Yard(tmp_path, unique.strip("-"), podman, ApiProvisioner(podman))
    yield made
    made.close()
    clear(podman, made.provisioner, made.project)
