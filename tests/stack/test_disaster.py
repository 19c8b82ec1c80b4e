"""The disaster drill: all is lost but one backup and a passphrase; the first approved action within 5 minutes."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.bed.backend import BACKEND
from tests.bed.boxes import podman
from tests.bed.drill import Drill
from tests.bed.stack_images import image

pytestmark = [pytest.mark.podman, pytest.mark.timeout(600)]
COMPOSE = """
name: {name}
x-aistack: {{tiers: [all]}}
services:
  db:
    image: {image}
    user: "999:999"
    environment: {{POSTGRES_USER: mcp, POSTGRES_PASSWORD_FILE: /run/secrets/password}}
    secrets: [{{source: password, target: /run/secrets/password, uid: "999", gid: "999", mode: "0400"}}]
    volumes: ["db:/var/lib/postgresql/data"]
    healthcheck: {{test: [CMD, pg_isready, -q, -h, 127.0.0.1, -U, mcp], interval: 2s}}
    x-aistack: {{tiers: [all], data_volumes: [db], backup: pg_dump}}
  notes:
    image: localhost/aistack-probe:1
    command: [sleep, "100000"]
    init: true
    volumes: ["notes:/notes"]
    x-aistack: {{tiers: [all], data_volumes: [notes], backup: files}}
volumes: {{db: {{}}, notes: {{}}}}
secrets: {{password: {{x-aistack: {{generate: password}}}}}}
"""


@pytest.fixture
def drill(unique: str) -> Iterator[Drill]:
    if subprocess.run(["podman", "image", "exists", image("postgres")], check=False).returncode:
        pytest.skip("the test bed's image of postgres is missing; run `make testbed`")
    text = COMPOSE.format(name=unique.strip("-"), image=image("postgres"))
    made = Drill(Path(tempfile.mkdtemp(prefix="ai-", dir="/tmp")), unique.strip("-"), text)
    yield made
    made.stop_backend()
    made.lose_everything()
    made.stop()


def test_from_one_backup_to_the_first_approved_action(drill: Drill, capsys: pytest.CaptureFixture[str]) -> None:
    drill.ready()
    drill.do("stack.up")
    drill.sql("CREATE TABLE t(x int); INSERT INTO t SELECT generate_series(1,1000)")
    podman("exec", drill.container("notes"), "sh", "-c", "echo remember > /notes/this")
    drill.do("stack.backup")
    verified = drill.do("backup.verify", "latest")
    assert "restored aside and holds" in verified["result"]
    shelf = drill.call("GET", "/v1/backups")
    assert shelf["backups"][0]["verified"] == "ok"
    assert set(shelf["backups"][0]["services"]) == {"db", "notes"}
    tasks = len(drill.call("GET", "/v1/tasks")["tasks"])
    drill.stop_backend()
    drill.lose_everything()

    began = time.monotonic()
    words = [BACKEND, "restore", shelf["backups"][0]["path"], "--passphrase-file", str(drill.passphrase)]
    done = subprocess.run(words, env=drill.env, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    drill.ready()
    drill.do("stack.up")
    drill.do("container.restart", drill.container("notes"))
    took = time.monotonic() - began
    assert drill.sql("SELECT count(*) FROM t") == "1000"
    assert podman("exec", drill.container("notes"), "cat", "/notes/this").strip() == "remember"
    assert (
        len(drill.call("GET", "/v1/tasks")["tasks"]) == tasks + 1
    )  # as it was when the backup was taken, and two more
    assert drill.call("POST", "/v1/audit/verify")["ok"]
    assert took < 300
    with capsys.disabled():
        print(f"\n  R5.13 drill: from one backup of {shelf['backups'][0]['size']} bytes to the first approved")
        print(f"  action in {took:.1f} s", end="")
