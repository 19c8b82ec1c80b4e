"""Code Machine in its container and nginx before it, on a network of their own; the backend is a house's."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.bed.backend import House, wait_until
from tests.bed.boxes import podman
from tests.bed.stack_images import image

from aistack_backend.containers.stack.secrets import certificate

ROOT = Path(__file__).resolve().parents[2]
ROLE = "code-machine"


class Front:
    """Both containers; ``ask`` goes to nginx over TLS, as a person's curl does."""

    def __init__(self, home: House, folder: Path) -> None:
        self._home = home
        self._folder = folder
        self._names = ("flows-front-role", "flows-front-nginx")
        self._network = "flows-front"

    def __enter__(self) -> Front:
        """Start both and wait until nginx reaches the role."""
        self._remove()
        podman("network", "create", self._network)
        secret = self._folder / "tls.pem"
        secret.write_bytes(certificate())
        secret.chmod(0o644)
        socket = self._home.data / "run" / "roles" / ROLE
        role, proxy = self._names
        alias = ("--network", self._network, "--network-alias", ROLE)
        words = ("aistack-backend", "serve", "--role", ROLE)
        podman("run", "-d", "--pull=never", "--name", role, "--init", *alias, f"--volume={socket}:/run/aistack",
               image("aistack"), *words)  # fmt: skip
        podman(
            "run", "-d", "--pull=never", "--name", proxy, "--init", "--network", self._network,
            "--publish=127.0.0.1::8443", f"--volume={ROOT}/compose/config/nginx:/etc/nginx/aistack:ro",
            f"--volume={secret}:/run/secrets/local-ai-tls:ro", "--entrypoint=[]", image("nginx"),
            "/bin/sh", "/etc/nginx/aistack/start.sh",
        )  # fmt: skip
        self._port = podman("port", proxy, "8443/tcp").rpartition(":")[2].strip()
        wait_until(lambda: self.ask("/code/health")[0] == 200, 40, lambda: str(self.ask("/code/health")))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Remove both."""
        self._remove()

    def ask(self, path: str, body: Any = None) -> tuple[int, Any]:
        """Return status and body of an answer."""
        sent = ["-H", "Content-Type: application/json", "-d", json.dumps(body)] if body is not None else []
        url = f"https://localhost:{self._port}{path}"
        done = subprocess.run(
            ["curl", "-ksS", "-m", "70", "-w", "\n%{http_code}", "-H", "Host: localhost", *sent, url],
            capture_output=True,
            text=True,
            check=False,
            timeout=80,
        )
        said, _, code = done.stdout.rpartition("\n")
        return int(code or 0), json.loads(said) if said[:1] in ("{", "[") else said or done.stderr

    def _remove(self) -> None:
        podman("rm", "-f", "-t", "0", *self._names, check=False)
        podman("network", "rm", "-f", self._network, check=False)
