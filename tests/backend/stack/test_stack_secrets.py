"""Secrets of the stack: made once, never read back, a certificate that TLS takes."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from aistack_backend.containers.failures import PodmanSays
from aistack_backend.containers.memory import MemoryPodman
from aistack_backend.containers.provision_memory import MemoryProvisioner
from aistack_backend.containers.stack import secrets
from aistack_backend.containers.stack.models import Manifest, SecretDecl
from aistack_backend.errors import Unavailable


def test_a_password_is_new_each_time_and_safe_in_any_file() -> None:
    one, other = (secrets.value(SecretDecl(name="a", key="a", generate="password")) for _ in range(2))
    assert one != other
    assert len(one) == 32
    assert one.decode().isalnum()


def test_each_is_made_once() -> None:
    made = MemoryProvisioner(MemoryPodman())
    declared = {key: SecretDecl(name=f"x-{key}", key=key, generate="password") for key in "abc"}
    manifest = Manifest(files=(), project="x", secrets=declared)
    assert secrets.ensure(manifest, made, frozenset({"x-a", "x-b"})) == ("x-a", "x-b")
    first = made.secrets()
    assert secrets.ensure(manifest, made, frozenset({"x-a", "x-b", "x-c"})) == ("x-c",)
    assert made.secrets()[:2] == first


def test_one_that_a_killed_backend_still_makes_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    made = MemoryProvisioner(MemoryPodman())
    manifest = Manifest(files=(), project="x", secrets={"a": SecretDecl(name="x-a", key="a", generate="password")})
    create = made.create_secret

    def second(name: str, value: bytes, labels: Mapping[str, str]) -> None:
        create(name, b"of the earlier life", labels)
        create(name, value, labels)

    monkeypatch.setattr(made, "create_secret", second)
    assert secrets.ensure(manifest, made, frozenset({"x-a"})) == ("x-a",)
    monkeypatch.setattr(made, "create_secret", refused)
    with pytest.raises(PodmanSays):
        secrets.ensure(
            replace(manifest, secrets={"b": SecretDecl(name="x-b", key="b", generate="password")}),
            made,
            frozenset({"x-b"}),
        )


def refused(name: str, value: bytes, labels: Mapping[str, str]) -> None:
    raise PodmanSays("Podman refused to keep the secret: no space left.")


def test_of_a_file_or_refused(tmp_path: Path) -> None:
    (tmp_path / "s").write_bytes(b"from a file")
    assert secrets.value(SecretDecl(name="a", key="a", file=str(tmp_path / "s"))) == b"from a file"
    with pytest.raises(Unavailable, match="cannot be read"):
        secrets.value(SecretDecl(name="a", key="a", file=str(tmp_path / "none")))
    with pytest.raises(Unavailable, match="does not exist"):
        secrets.value(SecretDecl(name="a", key="a", external=True))


def test_a_certificate_for_the_names_of_the_proxy(tmp_path: Path) -> None:
    pem = tmp_path / "tls.pem"
    pem.write_bytes(secrets.certificate())
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(pem)
    said = subprocess.run(
        ["openssl", "x509", "-in", str(pem), "-noout", "-ext", "subjectAltName"], capture_output=True, text=True
    ).stdout
    assert "DNS:localhost" in said
    assert "DNS:local-ai-nginx" in said
    assert "127.0.0.1" in said
