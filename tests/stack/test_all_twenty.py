"""All twenty services of the shipped manifest from nothing: ready, and every rung that has something to check holds."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.bed import local_ai
from tests.bed.backend import House, house, wait_until
from tests.bed.stack_images import variables

from aistack_backend.api.roles.folder import roles_dir
from aistack_backend.api.stackwork import ROLES

pytestmark = [pytest.mark.podman, pytest.mark.stack, pytest.mark.soak, pytest.mark.timeout(600)]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[House]:
    """A backend over the shipped manifest, with the test bed's images or those that the environment names."""
    assert not local_ai.names("ps"), "a stack of this machine is in the way"
    env_file = tmp_path / "images.env"
    with house(AI_STACK_ENV_FILE=str(env_file)) as made:
        found = {**variables(), ROLES: str(roles_dir(made.data / "run"))}
        found |= {name: value for name, value in os.environ.items() if name.startswith("AISTACK_IMAGE_")}
        env_file.write_text("".join(f"{name}={value}\n" for name, value in found.items()))
        made.start()
        try:
            yield made
        finally:
            local_ai.remove()


def test_all_twenty(home: House) -> None:
    said = home.cli("up", "full", "--wait", "--yes", code=None)
    assert said.returncode == 0, said.stdout + said.stderr
    wait_until(lambda: not lacking(home), 60, lambda: str(lacking(home)))


def lacking(home: House) -> dict[str, str]:
    """Return each service that is not OK, or has a rung that neither holds nor has nothing to check."""
    services = json.loads(home.cli("stack", "--json", code=None).stdout)["services"]
    assert len(services) == 20
    found = {one["id"]: [rung for rung in one["rungs"] if rung["state"] not in ("pass", "none")] for one in services}
    return {
        one["id"]: f"{one['state']} {found[one['id']]}" for one in services if one["state"] != "ok" or found[one["id"]]
    }
