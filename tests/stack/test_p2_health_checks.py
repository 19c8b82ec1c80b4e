"""The health of our eleven roles on the note's ports: each answers, each says what it checked, and numbers follow.

Not in it yet: routing and learning (issue 5), the NixOS index (issue 6); the stack's own databases are tried in
test_image.py and test_ladder.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest
from tests.bed.backend import House, house, wait_until

from aistack_backend.api.roles.catalogue import ROLES, Role

pytestmark = [pytest.mark.podman, pytest.mark.stack, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def home() -> Iterator[House]:
    with house(AISTACK_STACK_LISTEN="note") as made:
        made.start()
        wait_until(lambda: get(8090, "/health")[0] == 200, 30, made.said)
        yield made


def get(port: int, path: str) -> tuple[int, str]:
    """Return status and body of what answers on a port of this machine; 0 when nothing does."""
    try:
        with urlopen(f"http://localhost:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()
    except URLError as error:
        return 0, str(error.reason)


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.id)
def test_health_says_what_was_checked(home: House, role: Role) -> None:
    status, body = get(role.port, "/health")
    said = json.loads(body)
    assert (said["role"], said["provided"]) == (role.id, "embedded")
    assert status == (200 if said["status"] == "ok" else 503)
    assert (said["status"] == "ok") is all(one["ok"] for one in said["checks"])
    assert all(one["detail"] and one["took"] >= 0 for one in said["checks"])
    assert f'aistack_role_healthy{{role="{role.id}"}} {float(status == 200)}' in get(role.port, "/metrics")[1]


def test_a_role_that_lacks_its_model_says_so(home: House) -> None:
    status, body = get(8080, "/health")
    assert status == 503
    assert "switched off" in json.loads(body)["detail"]
