"""A small stack under a name of its own, behind a real backend, used as a person uses it."""

from __future__ import annotations

import http.client
import json
import shutil
import socket
from pathlib import Path
from typing import Any

from tests.bed.backend import House, wait_until
from tests.bed.boxes import podman

ENDED = {"done", "failed", "denied", "stopped", "exhausted"}


class Unix(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=60)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(self.path))


class Drill(House):
    """A house with a small stack of its own name."""

    def __init__(self, folder: Path, name: str, compose: str) -> None:
        """``compose`` is the text of the file; ``name`` its project."""
        self.name, self.file, self.passphrase = name, folder / "stack.yml", folder / "passphrase"
        super().__init__(
            folder,
            AISTACK_STACK=str(self.file),
            AISTACK_STACK_BACKUP_FOLDER=str(folder / "shelf"),
            AISTACK_STACK_BACKUP_PASSPHRASE_FILE=str(self.passphrase),
        )
        self.file.write_text(compose)
        self.passphrase.write_text("a passphrase that is long\n")
        self.passphrase.chmod(0o600)

    def call(self, method: str, path: str, body: object = None) -> Any:
        connection = Unix(self.socket)
        raw = None if body is None else json.dumps(body)
        connection.request(method, path, raw, {"Content-Type": "application/json", "X-Aistack-Via": "cli"})
        answer = json.loads(connection.getresponse().read())
        connection.close()
        return answer

    def ready(self) -> None:
        self.start()
        wait_until(lambda: "steps" in self.call("POST", "/v1/stack/plan", {}), 60, self.said)

    def do(self, kind: str, target: str = "") -> Any:
        """Ask and confirm one action as a person, and wait for its end."""
        wish = {"kind": kind, "target": target}
        seen: dict[str, Any] = {}

        def taken() -> bool:
            """Podman on a busy machine may not answer in time, and the backend says so: then it is asked again."""
            seen.clear()
            seen.update(self.call("POST", "/v1/actions/preview", wish))
            if seen.get("status") == 503:
                return False
            assert "action_hash" in seen, seen
            given = {"confirmed_hash": seen["action_hash"], "code": seen["code"], "typed_name": seen["typed_name"]}
            seen.clear()
            seen.update(self.call("POST", "/v1/tasks/action", wish | given))
            return seen.get("status") != 503

        wait_until(taken, 60, lambda: str(seen))
        assert "id" in seen, seen
        ident = seen["id"]
        wait_until(lambda: self.call("GET", f"/v1/tasks/{ident}")["state"] in ENDED, 180, self.said)
        task = self.call("GET", f"/v1/tasks/{ident}")
        assert task["state"] == "done", task
        return task

    def sql(self, text: str) -> str:
        script = 'export PGPASSWORD=$(cat $POSTGRES_PASSWORD_FILE); exec psql -h 127.0.0.1 -U mcp -d mcp -Atc "$1"'
        return podman("exec", self.container("db"), "sh", "-c", script, "sh", text).strip()

    def container(self, service: str) -> str:
        names = podman("ps", "-a", "--filter", f"label=io.aistack.stack={self.name}", "--format", "{{.Names}}").split()
        return next(name for name in names if service in name.removeprefix(self.name))

    def lose_everything(self) -> None:
        """Containers, volumes, secrets and the data folder."""
        names = podman("ps", "-a", "--filter", f"label=io.aistack.stack={self.name}", "--format", "{{.Names}}").split()
        podman("rm", "-f", "-t", "0", *names, check=False)
        for kind in ("volume", "secret", "network"):
            found = [one for one in podman(kind, "ls", "--format", "{{.Name}}").split() if one.startswith(self.name)]
            podman(kind, "rm", *found, check=False)
        shutil.rmtree(self.data, ignore_errors=True)
