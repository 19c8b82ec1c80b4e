"""A real image registry on loopback: Debian's docker-registry, with a certificate that Podman is told to trust."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bed.boxes import podman

CERTS = Path("/etc/containers/certs.d")
CONF = """version: 0.1
storage: {{filesystem: {{rootdirectory: {folder}/store}}, delete: {{enabled: true}}}}
http: {{addr: "127.0.0.1:{port}", tls: {{certificate: {folder}/cert.pem, key: {folder}/key.pem}}}}
"""


@contextmanager
def registry(folder: Path) -> Iterator[str]:
    """Give ``127.0.0.1:PORT`` of a registry that runs until the block ends."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    words = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1")
    more = ("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", folder / "key.pem", "-out", folder / "cert.pem")
    subprocess.run([*words, *more], check=True, capture_output=True)
    (folder / "conf.yml").write_text(CONF.format(folder=folder, port=port))
    trusted = CERTS / f"127.0.0.1:{port}"
    trusted.mkdir(parents=True)
    shutil.copy(folder / "cert.pem", trusted / "ca.crt")
    with (folder / "log").open("wb") as log:
        running = subprocess.Popen(["docker-registry", "serve", folder / "conf.yml"], stdout=log, stderr=log)
    try:
        _answers(port, folder)
        yield f"127.0.0.1:{port}"
    finally:
        running.terminate()
        running.wait(10)
        shutil.rmtree(trusted)


def publish(ref: str, folder: Path, command: str) -> str:
    """Build an image of busybox with this command, push it under ``ref``, forget it here; its id."""
    file = folder / "Containerfile"
    file.write_text(f'FROM localhost/aistack-probe:1\nSTOPSIGNAL SIGKILL\nCMD ["sh", "-c", "{command}"]\n')
    podman("build", "-q", "--pull=never", "--format", "docker", "-f", str(file), "-t", ref, str(folder))
    ident = podman("image", "inspect", "--format", "{{.Id}}", ref).strip()
    podman("push", "-q", ref)
    return ident


def _answers(port: int, folder: Path) -> None:
    trust = ssl.create_default_context(cafile=str(folder / "cert.pem"))
    until = time.monotonic() + 20
    while True:
        try:
            urllib.request.urlopen(f"https://127.0.0.1:{port}/v2/", context=trust, timeout=2).close()
        except OSError:
            assert time.monotonic() < until, (folder / "log").read_text()
        else:
            return
