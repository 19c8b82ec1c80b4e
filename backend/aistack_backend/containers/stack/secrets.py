"""Secrets of the stack: generated once, kept by Podman, never read back."""

from __future__ import annotations

import secrets
import subprocess
import tempfile
from pathlib import Path

from aistack_backend.containers.failures import PodmanSays
from aistack_backend.containers.provision import Provisioner
from aistack_backend.containers.stack.models import Manifest, SecretDecl
from aistack_backend.containers.stack.spec import labels
from aistack_backend.errors import Unavailable

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
"""No character that a shell, a URL or a configuration file would read as its own."""
LENGTH = 32
DAYS = 825
"""How long a made certificate holds: the longest that browsers take."""


def missing(manifest: Manifest, provisioner: Provisioner) -> tuple[SecretDecl, ...]:
    """Return the declared secrets that Podman does not keep."""
    kept = {one.name for one in provisioner.secrets()}
    return tuple(one for one in manifest.secrets.values() if one.name not in kept)


def ensure(manifest: Manifest, provisioner: Provisioner, names: frozenset[str]) -> tuple[str, ...]:
    """Make those of the named secrets that are missing; return what was made.

    Raises:
        Unavailable: one that must exist does not, or its file cannot be read.
    """
    made = []
    for one in missing(manifest, provisioner):
        if one.name not in names:
            continue
        try:
            provisioner.create_secret(one.name, value(one), labels(manifest))
        except PodmanSays:  # what a killed backend asked for may be made meanwhile
            if one in missing(manifest, provisioner):
                raise
        made.append(one.name)
    return tuple(made)


def value(secret: SecretDecl) -> bytes:
    """Return a new value, or the content of the declared file.

    Raises:
        Unavailable: it is external, its file cannot be read, or openssl is missing.
    """
    if secret.file:
        try:
            return Path(secret.file).read_bytes()
        except OSError as error:
            raise Unavailable(
                f"The secret {secret.key} cannot be read from {secret.file}: {error.strerror}."
            ) from error
    if secret.generate == "certificate":
        return certificate()
    if secret.generate:
        return "".join(secrets.choice(LETTERS) for _ in range(LENGTH)).encode()
    raise Unavailable(f"The secret {secret.name} does not exist.", f"podman secret create {secret.name} FILE")


def certificate(host: str = "localhost") -> bytes:
    """Return a self-signed certificate and its key, both PEM, in one text.

    Raises:
        Unavailable: the program openssl is missing or failed.
    """
    with tempfile.TemporaryDirectory(prefix="aistack-") as folder:
        key, cert = Path(folder, "key.pem"), Path(folder, "cert.pem")
        names = f"subjectAltName=DNS:{host},DNS:nginx,DNS:local-ai-nginx,IP:127.0.0.1,IP:0:0:0:0:0:0:0:1"
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        command += [
            "-days",
            str(DAYS),
            "-subj",
            f"/CN={host}",
            "-addext",
            names,
            "-keyout",
            str(key),
            "-out",
            str(cert),
        ]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=30)
        except FileNotFoundError as error:
            raise Unavailable("A certificate cannot be made: there is no openssl.", "Install openssl.") from error
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            raise Unavailable(f"A certificate cannot be made: openssl failed ({error}).") from error
        return cert.read_bytes() + key.read_bytes()
