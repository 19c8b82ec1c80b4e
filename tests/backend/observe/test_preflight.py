"""The doctor before a boot: each check says what it saw, and what would mend it."""

from __future__ import annotations

import os
import socket
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from aistack_backend.containers.provision import HostInfo, Secret
from aistack_backend.containers.stack.models import Build, Extra, Manifest, Publish, SecretDecl, ServiceDecl
from aistack_backend.errors import BadInput
from aistack_backend.observe import capacity, ports, preflight
from aistack_backend.wire.containers import Container, ContainerState, Fleet, Port
from aistack_backend.wire.sources import Source, SourceState

GIB = 1 << 30
HOST = HostInfo(
    version="4.3.1", rootless=False, memory_total=8 * GIB, cpus=2, graph_root="/", network_backend="netavark"
)


def service(name: str, **more: object) -> ServiceDecl:
    base = ServiceDecl(id=name, container=f"local-ai-{name}", image=f"localhost/{name}:1")
    return replace(base, **more)  # type: ignore[arg-type]


def stack(*services: ServiceDecl, **more: object) -> Manifest:
    by_id = {one.id: one for one in services}
    return replace(
        Manifest(files=("/s.yml",), project="p", services=by_id, tiers={"full": tuple(by_id)}),
        **more,  # type: ignore[arg-type]
    )


def fleet(*containers: Container) -> Fleet:
    return Fleet(at=1.0, source=Source(name="podman", state=SourceState.OK, since=0.0), containers=containers)


def test_a_broken_manifest_is_said_with_its_line() -> None:
    def broken() -> Manifest:
        raise BadInput("stack.yml:12: imge: unknown key.", "Did you mean image?")

    found = preflight.manifest(broken).ask()
    assert (found.ok, "stack.yml:12" in found.detail) == (False, True)
    assert preflight.manifest(lambda: stack(service("web"))).ask().detail == "1 services in /s.yml."


@pytest.mark.parametrize(("version", "well"), [("4.3.1", True), ("5.4.2", True), ("4.2.9", False), ("strange", False)])
def test_old_podman_is_refused(version: str, well: bool) -> None:
    found = preflight.engine(lambda: replace(HOST, version=version)).ask()
    assert found.ok is well
    assert version in found.detail


def test_names_need_aardvark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    missing = preflight.name_resolution(lambda: HOST, (str(tmp_path),)).ask()
    assert (missing.ok, missing.fix) == (False, "Install the package aardvark-dns.")
    (tmp_path / "aardvark-dns").touch()
    assert preflight.name_resolution(lambda: HOST, (str(tmp_path),)).ask().ok is True
    assert preflight.name_resolution(lambda: replace(HOST, network_backend="cni")).ask().ok is None


def test_missing_images_say_how_they_come() -> None:
    built = service("ours", build=Build(context="/c", dockerfile="/c/F"))
    wanted = stack(service("web"), service("db"), built)
    found = preflight.images(lambda image: image == "localhost/db:1", lambda: wanted).ask()
    assert found.ok is None
    assert "1 to pull (localhost/web:1), 1 to build (localhost/ours:1)" in found.detail
    assert preflight.images(lambda _: True, lambda: wanted).ask().ok is True


def kept(*names: str) -> tuple[Secret, ...]:
    return tuple(Secret(name=name) for name in names)


def test_secrets_are_kept_made_or_missing() -> None:
    ours = SecretDecl(name="local-ai-db", key="db", generate="password")
    theirs = SecretDecl(name="theirs", key="t", external=True)
    wanted = stack(service("web"), secrets={"db": ours, "t": theirs})
    assert preflight.secrets(kept, lambda: wanted).ask().ok is False
    found = preflight.secrets(lambda: kept("theirs"), lambda: wanted).ask()
    assert (found.ok, found.detail) == (True, "1 kept, 1 will be made at the first up.")


def test_no_gpu_is_normal(tmp_path: Path) -> None:
    assert preflight.gpu_runtime(lambda: 0).ask().ok is True
    assert preflight.gpu_runtime(lambda: 1, (tmp_path / "cdi",)).ask().ok is None
    (tmp_path / "cdi").mkdir()
    (tmp_path / "cdi" / "nvidia.yaml").touch()
    assert preflight.gpu_runtime(lambda: 1, (tmp_path / "cdi",)).ask().ok is True


def test_a_port_in_use_names_its_holder() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        wanted = stack(service("web", publish=(Publish(container_port=80, host_port=port),)))
        found = ports.ports(lambda: wanted, fleet).ask()
        assert (found.ok, f"{port} (web) is held by" in found.detail) == (False, True)
        assert f"pid {os.getpid()}" in found.detail
        own = Container(
            id="a" * 64,
            name="local-ai-web",
            image="x",
            state=ContainerState.RUNNING,
            pid=1,
            ports=(Port(host_ip="127.0.0.1", host_port=port, container_port=80),),
        )
        assert ports.ports(lambda: wanted, lambda: fleet(own)).ask().ok is True
    assert ports.ports(lambda: wanted, fleet).ask().ok is True


def test_memory_is_forecast_from_peaks_then_expectation_then_reservation() -> None:
    wanted = stack(
        service("a", memory_reserve=3 * GIB),
        service("b", memory_reserve=1, extra=Extra(memory_expected=2 * GIB)),
        service("c", extra=Extra(memory_expected=2 * GIB)),
    )
    found = capacity.forecast(wanted, "full", {"c": GIB}, {"a": GIB})
    assert (found.needed, found.running) == (6 * GIB, GIB)


def test_a_tier_that_does_not_fit_is_said() -> None:
    huge = psutil.virtual_memory().total * 2
    wanted = stack(service("a", memory_reserve=GIB >> 4), service("b", memory_reserve=huge))
    wanted = replace(wanted, tiers={"small": ("a",), "full": ("a", "b")})
    found = capacity.memory(lambda: wanted, dict, dict).ask()
    assert (found.ok, found.fix) == (False, "Bring up small, or free memory.")


def test_limits_are_advised_from_measured_peaks() -> None:
    wanted = stack(service("a", memory_limit=GIB), service("b", memory_limit=GIB))
    assert capacity.limits(lambda: wanted, dict).ask().detail.endswith("No peak was measured yet.")
    near = capacity.limits(lambda: wanted, lambda: {"a": GIB}).ask()
    assert (near.ok, "a peaked at 1.00 of 1.00 GiB: give it 1.50" in near.detail) == (None, True)
    assert capacity.limits(lambda: wanted, lambda: {"a": GIB >> 1}).ask().ok is True


def test_the_disk_of_images_is_measured(tmp_path: Path) -> None:
    enough = capacity.disk(lambda: str(tmp_path), lambda: capacity.DISK_FULL).ask()
    assert enough.ok is True
    assert str(tmp_path) in enough.detail
