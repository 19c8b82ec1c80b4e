"""Every key in its short and its long form."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.bed.composed import loaded, web, written

from aistack_backend.containers.stack.load import load
from aistack_backend.containers.stack.models import Condition, HealthDecl, MountDecl, Needs, Publish, SecretUse

MIB = 1 << 20


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ('ports: ["127.0.0.1:80:8080"]', "ports:\n- {target: 8080, published: 80, host_ip: 127.0.0.1}"),
        ('ports: ["80:8080/udp"]', 'ports:\n- {target: 8080, published: "80", protocol: udp}'),
        ('ports: ["8080"]', "ports:\n- {target: 8080}"),
        ("environment: [A=1, B=x=y]", "environment:\n  A: 1\n  B: x=y"),
        ("labels: [a=b]", "labels: {a: b}"),
        ("volumes: ['data:/d:ro']", "volumes:\n- {type: volume, source: data, target: /d, read_only: true}"),
        ("volumes: ['./x:/d']", "volumes:\n- {type: bind, source: ./x, target: /d}"),
        (
            "volumes: ['./x:/d:ro,Z']",
            "volumes:\n- {type: bind, source: x, target: /d, read_only: true, bind: {selinux: Z}}",
        ),
        ("tmpfs: /t:size=1m", "volumes:\n- {type: tmpfs, target: /t, tmpfs: {size: 1m}}"),
        ("mem_limit: 64m\ncpus: 1.5", "deploy: {resources: {limits: {memory: 64M, cpus: '1.5'}}}"),
        ("mem_reservation: 1g", "deploy: {resources: {reservations: {memory: 1024mb}}}"),
        ("pids_limit: 5", "deploy: {resources: {limits: {pids: 5}}}"),
        ("secrets: [pass]", "secrets:\n- {source: pass, target: pass, mode: '0444'}"),
        ("networks: [default]", "networks: {default: }"),
        ("command: echo 'a b' c", "command: [echo, a b, c]"),
        ("entrypoint: sh -c", "entrypoint: [sh, -c]"),
        ("healthcheck: {test: exit 0}", "healthcheck: {test: [CMD-SHELL, exit 0]}"),
        ("healthcheck: {disable: true}", "healthcheck: {test: [NONE]}"),
        ("extra_hosts: ['a:1.2.3.4']", "extra_hosts: {a: 1.2.3.4}"),
        ("extra_hosts: ['a=::1']", "extra_hosts: {a: '[::1]'}"),
        ("build: ./b", "build: {context: b, dockerfile: Dockerfile}"),
        ("stop_grace_period: 90", "stop_grace_period: 1m30s"),
        ("env_file: e.env", "env_file:\n- {path: e.env}"),
        ("security_opt: [no-new-privileges]", "security_opt: ['no-new-privileges:true']"),
    ],
)
def test_both_forms_mean_the_same(tmp_path: Path, short: str, long: str) -> None:
    (tmp_path / "e.env").write_text("A=1\n")
    bare = web(tmp_path, "restart: no")
    assert web(tmp_path, short) == web(tmp_path, long)
    assert web(tmp_path, short) != bare or "disable" in short or "default" in short


def test_values_are_what_the_file_says(tmp_path: Path) -> None:
    found = web(
        tmp_path,
        """
        ports: ["8000-8001:90-91", "127.0.0.1::70"]
        volumes: [data:/d, ./conf:/c:ro]
        secrets: [{source: pass, target: /tmp/p, uid: 5, gid: 6, mode: "0400"}]
        healthcheck: {test: [CMD, x, y], interval: 1m30s, timeout: 500ms, retries: 2, start_period: 5s}
        depends_on: {web2: {condition: service_healthy, required: false}}
        container_name: the-web
        """,
    )
    assert found.publish == (
        Publish(container_port=90, host_port=8000, host_ip="0.0.0.0"),
        Publish(container_port=91, host_port=8001, host_ip="0.0.0.0"),
        Publish(container_port=70, host_port=0, host_ip="127.0.0.1"),
    )
    name = tmp_path.name.lower()
    assert found.mounts[0].source.endswith("_data")
    assert found.mounts[1] == MountDecl(type="bind", target="/c", source=str(tmp_path / "conf"), read_only=True)
    assert found.secrets == (SecretUse(source="pass", target="/tmp/p", uid=5, gid=6, mode=0o400),)
    assert found.health == HealthDecl(command=("x", "y"), interval=90, timeout=0.5, retries=2, start_period=5)
    assert found.needs == (Needs(service="web2", condition=Condition.HEALTHY, required=False),)
    assert (found.container, found.networks[0][1]) == ("the-web", ("web", "the-web"))
    assert name


def test_a_foreign_file_needs_no_block_of_ours(tmp_path: Path) -> None:
    found = loaded(tmp_path, "name: shop\nservices:\n  web: {image: a, depends_on: [db]}\n  db: {image: b}\n")
    assert found.tiers == {"full": ("web", "db")}
    assert [one.container for one in found.services.values()] == ["shop-web", "shop-db"]
    assert {one.extra.group for one in found.services.values()} == {"other"}
    assert found.networks["default"].name == "shop_default"


def test_anchors_and_merge_keys(tmp_path: Path) -> None:
    text = """
    x-base: &base
      image: a
      init: true
      environment: &env {A: 1, B: 2}
    services:
      one: {<<: *base, image: b}
      two:
        <<: *base
        environment: {<<: *env, B: 3}
    """
    found = loaded(tmp_path, text).services
    assert (found["one"].image, found["one"].init, found["two"].image) == ("b", True, "a")
    assert dict(found["two"].environment) == {"A": "1", "B": "3"}


def test_files_merge_as_compose_merges_them(tmp_path: Path) -> None:
    base = written(
        tmp_path,
        """
        services:
          web:
            image: a
            command: [x, y]
            ports: ["80:80"]
            environment: [A=1, B=2]
            volumes: [data:/d, data:/e]
            depends_on: [db]
          db: {image: b}
        volumes: {data: , other: }
        """,
        "a.yml",
    )
    over = written(
        tmp_path,
        """
        services:
          web:
            image: c
            command: [z]
            ports: ["81:81"]
            environment: {B: 3}
            volumes: [other:/d]
            depends_on: {db: {condition: service_healthy}}
        """,
        "b.yml",
    )
    found = load([base, over], {})
    one = found.services["web"]
    assert (one.image, one.command) == ("c", ("z",))
    assert [port.host_port for port in one.publish] == [80, 81]
    assert dict(one.environment) == {"A": "1", "B": "3"}
    assert {mount.target: mount.source.split("_")[-1] for mount in one.mounts} == {"/d": "other", "/e": "data"}
    assert one.needs == (Needs(service="db", condition=Condition.HEALTHY),)
    assert found.files == (str(base), str(over))


def test_tiers_hold_what_their_services_need(tmp_path: Path) -> None:
    text = """
    x-aistack: {tiers: [small, full]}
    services:
      web: {image: a, depends_on: [db], x-aistack: {tiers: [small]}}
      db: {image: b}
      alone: {image: c}
    """
    found = loaded(tmp_path, text)
    assert found.tiers == {"small": ("web", "db"), "full": ("web", "db", "alone")}
    assert found.services["db"].extra.tiers == ("small", "full")


def test_the_block_of_a_service(tmp_path: Path) -> None:
    found = web(
        tmp_path,
        """
        volumes: [data:/d]
        x-aistack:
          title: The web
          group: ai
          licence: Apache-2.0 OR MIT
          memory_expected: 1.5g
          ready_seconds: 1m
          data_volumes: [data]
          backup: files
          probes: [{rung: ready, kind: http, port: 80, path: /health, timeout: 2s}]
          heal: {first_wait: 20s, give_up_after: 3}
        """,
    ).extra
    assert (found.memory_expected, found.ready_seconds) == (1536 * MIB, 60)
    assert found.data_volumes[0].endswith("_data")
    probe = found.probes[0]
    assert (probe.rung, probe.kind, dict(probe.options), probe.timeout) == (
        "ready",
        "http",
        {"port": 80, "path": "/health"},
        2.0,
    )
    assert (found.heal.first_wait, found.heal.give_up_after, found.heal.longest_wait) == (20, 3, 300)
