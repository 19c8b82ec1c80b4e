"""podman-compose takes the same file: the note's own command brings up the minimal stack, and ``down`` takes it away.

podman-compose itself only starts containers; that they become healthy is asked of Podman here.
"""

from __future__ import annotations

import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.bed.boxes import podman
from tests.bed.local_ai import names, remove
from tests.bed.stack_images import variables
from tests.bed.twenty import MINIMAL, stack

from aistack_backend.containers.stack.source import bundled

pytestmark = [pytest.mark.podman, pytest.mark.stack, pytest.mark.timeout(180)]
COMPOSE = Path(sys.executable).with_name("podman-compose")
WITHIN = 60.0


@pytest.fixture
def env_file(tmp_path: Path) -> Iterator[Path]:
    """A file of the test bed's images; the secrets exist, and all that was not there before is gone afterwards."""
    before = names("secret")
    assert not names("ps") | names("volume"), "a stack of this machine is in the way; `down` and remove its volumes"
    for secret in stack().secrets.values():
        if secret.name not in before:
            value = tmp_path / secret.name
            value.write_text(secrets.token_hex(16))
            podman("secret", "create", secret.name, str(value))
    path = tmp_path / "images.env"
    path.write_text("".join(f"{name}={image}\n" for name, image in variables().items()))
    yield path
    remove(secrets=False)
    podman("secret", "rm", *(names("secret") - before), check=False)


def compose(env_file: Path, *words: str) -> str:
    """Run podman-compose on our file; return what it said."""
    command = [COMPOSE, "-f", bundled(), "--env-file", env_file, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def becomes_healthy(name: str) -> bool:
    """Run the service's own health command until it passes. Each run takes a tenth of a second."""
    end = time.monotonic() + WITHIN
    while time.monotonic() < end:
        if subprocess.run(["podman", "healthcheck", "run", name], capture_output=True, check=False).returncode == 0:
            return True
    return False


def said(*words: str) -> str:
    """What a command said, whether it succeeded or not."""
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=30)
    return done.stdout + done.stderr


def test_the_command_of_the_note_and_down(env_file: Path) -> None:
    compose(env_file, "up", "-d", "postgres", "redis", "qdrant", "embeddings", "aidb")
    assert names("ps") == {f"local-ai-{name}" for name in MINIMAL}
    assert {name for name in MINIMAL if not becomes_healthy(f"local-ai-{name}")} == set()

    inside = ("podman", "exec", "local-ai-aidb", "curl", "-sS", "-m", "4")
    assert '"status":"ok"' in said(*inside, "http://local-ai-aidb:8091/health")
    assert "api key" in said(*inside, "http://qdrant:6333/collections").lower()
    assert "NOAUTH" in said("podman", "exec", "local-ai-redis", "redis-cli", "ping")
    query = ("psql", "-U", "mcp", "-d", "mcp", "-Atc", "SELECT extname FROM pg_extension WHERE extname = 'vector'")
    assert said("podman", "exec", "local-ai-postgres", *query).strip() == "vector"
    query = (*query[:-1], "SELECT count(*) > 0 FROM pg_stat_statements")
    assert said("podman", "exec", "local-ai-postgres", *query).strip() == "t"
    for name in MINIMAL:
        about = podman("inspect", f"local-ai-{name}")
        for secret in names("secret"):
            assert f"{secret}=" not in about
        assert "podman.sock" not in about

    compose(env_file, "down")
    assert names("ps") == set()
    data = {"local-ai-postgres", "local-ai-redis", "local-ai-qdrant", "local-ai-embeddings-models"}
    assert names("volume") == data, "data stays"
