"""Our own ``stack.yml``: what the deployment note asks for, and what no service may have."""

from __future__ import annotations

import pytest
from tests.bed.twenty import CONTROL, GIB, GROUPS, MINIMAL, PORTS, ROLES, stack

from aistack_backend.containers.stack import references
from aistack_backend.containers.stack.load import load
from aistack_backend.containers.stack.models import Condition, ServiceDecl
from aistack_backend.containers.stack.source import bundled


def every() -> list[ServiceDecl]:
    """Its services."""
    return list(stack().services.values())


def test_exactly_the_twenty_services_in_their_groups() -> None:
    found: dict[str, set[str]] = {}
    for one in every():
        found.setdefault(one.extra.group, set()).add(one.id)
    assert found == GROUPS
    assert len(every()) == 20


def test_names_networks_volumes_and_secrets() -> None:
    for one in every():
        assert one.container == f"local-ai-{one.id}"
        assert one.networks == (("local-ai", (one.id, f"local-ai-{one.id}")),)
    names = [*stack().volumes.values(), *stack().secrets.values()]
    assert all(one.name.startswith("local-ai-") for one in names)
    assert all(key == secret.name and secret.generate for key, secret in stack().secrets.items())
    assert stack().project == "local-ai"


def test_the_ports_of_the_note_on_loopback_only() -> None:
    published = {one.id: [port.host_port for port in one.publish] for one in every()}
    assert published == {name: [port] for name, port in PORTS.items()}
    assert {port.host_ip for one in every() for port in one.publish} == {"127.0.0.1"}
    assert 8888 not in PORTS.values()


@pytest.mark.parametrize("one", every(), ids=lambda one: one.id)
def test_each_service_is_walled_in_and_described(one: ServiceDecl) -> None:
    assert one.restart == "no"
    assert one.no_new_privileges
    assert one.cap_drop == ("ALL",)
    assert not one.cap_add
    assert one.memory_limit
    assert one.memory_reserve
    assert one.cpus_limit
    assert one.pids_limit
    assert one.health is not None
    assert one.health.timeout <= one.health.interval
    assert one.extra.title
    assert one.extra.licence
    assert one.extra.memory_expected
    assert one.extra.memory_expected <= one.memory_limit
    assert one.extra.ready_seconds
    assert one.extra.backup
    assert any(probe.rung == "ready" for probe in one.extra.probes)
    assert bool(one.extra.role) == (one.id in ROLES)
    assert one.extra.embedded or one.id == "mindsdb", "what has no stand-in says so"


def test_no_service_gets_a_socket_of_podman_or_a_folder_that_is_not_its_own() -> None:
    config = bundled().parent / "config"
    for one in every():
        for mount in one.mounts:
            assert "podman" not in mount.source
            if mount.type == "bind" and mount.target != "/run/aistack":
                assert mount.read_only
                assert mount.source.startswith(f"{config}/")
    assert {one.id for one in every() if any(mount.target == "/run/aistack" for mount in one.mounts)} == CONTROL


def test_no_secret_stands_in_a_variable() -> None:
    for one in every():
        for name, value in one.environment:
            secret = any(word in name for word in ("PASSWORD", "SECRET", "KEY", "TOKEN"))
            assert not secret or value.startswith("/run/secrets/") or value == "unused"
        for use in one.secrets:
            assert use.mode in (0o400, 0o444)
            assert not (one.read_only and use.target.startswith("/run/secrets/"))


def test_ralph_as_the_note_has_it_without_the_socket() -> None:
    ralph = stack().services["ralph-wiggum"]
    assert (ralph.memory_reserve, ralph.memory_limit) == (GIB, 8 * GIB)
    assert (ralph.cpus_reserve, ralph.cpus_limit) == (1.0, 4.0)
    targets = {mount.target for mount in ralph.mounts}
    assert targets == {"/data", "/workspace", "/data/telemetry", "/run/aistack"}
    assert dict(ralph.environment)["RALPH_COORDINATOR_URL"] == "http://hybrid-coordinator:8092"
    assert dict(ralph.environment)["RALPH_AIDB_URL"] == "http://aidb:8091"


def test_tiers_are_closed_and_their_reserves_fit() -> None:
    tiers = stack().tiers
    assert tiers["minimal"] == MINIMAL
    assert len(tiers["standard"]) == 12
    assert len(tiers["full"]) == 20
    assert set(tiers["minimal"]) <= set(tiers["standard"])
    for tier, ids in tiers.items():
        assert references.closure(stack().services, set(ids)) == ids, tier
    reserved = sum(one.memory_reserve or 0 for one in every())
    assert 8 * GIB <= reserved <= 12 * GIB


def test_who_waits_for_whom() -> None:
    hard = {one.id: {need.service for need in one.needs if need.condition is Condition.HEALTHY} for one in every()}
    assert hard["aidb"] == {"postgres", "redis", "qdrant"}
    assert hard["ralph-wiggum"] == {"aidb", "hybrid-coordinator"}
    assert hard["mindsdb"] == {"postgres"}
    nginx = stack().services["nginx"]
    assert nginx.needs
    assert not any(need.required for need in nginx.needs), "it starts without what stands behind it"


def test_data_has_a_volume_of_its_own_and_a_way_to_be_kept() -> None:
    for one in every():
        volumes = {mount.source for mount in one.mounts if mount.type == "volume"}
        assert volumes == set(one.extra.data_volumes), f"{one.id}: every volume holds data"
        assert one.extra.backup != "none" or not volumes or one.id in ("prometheus", "llama-cpp", "embeddings")
    owners = [name for one in every() for name in one.extra.data_volumes]
    assert len(owners) == len(set(owners))
    assert set(owners) == {volume.name for volume in stack().volumes.values()}
    kinds = {stack().services[name].extra.backup for name in ("postgres", "qdrant", "redis")}
    assert kinds == {"pg_dump", "qdrant", "files"}


def test_every_image_is_pinned_and_can_be_replaced() -> None:
    for one in every():
        tag = one.image.rpartition(":")[2]
        assert one.id in ROLES or (tag != "latest" and any(digit.isdigit() for digit in tag))
    names = {one.id: "AISTACK" if one.id in ROLES else one.id.upper().replace("-", "_") for one in every()}
    env = {f"AISTACK_IMAGE_{name}": f"other/{name}" for name in names.values()}
    replaced = load([bundled()], env)
    assert all(replaced.services[name].image == f"other/{given}" for name, given in names.items())


def test_the_roles_share_one_image_that_is_built_here() -> None:
    for name in ROLES:
        one = stack().services[name]
        assert one.image == "localhost/aistack:latest"
        assert one.build
        assert one.build.dockerfile.endswith("compose/images/aistack/Containerfile")
        assert one.command == ("aistack-backend", "serve", "--role", name)
        assert one.extra.role == name
