"""The Podman adapter against real services: PostgreSQL, Redis, nginx and Prometheus, not only busybox."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator

import pytest
from tests.bed.boxes import Boxes, podman

from aistack_backend.containers.podman import ApiPodman
from aistack_backend.errors import BackendError
from aistack_backend.wire.containers import Container, ContainerState, Health, Usage

pytestmark = [pytest.mark.podman, pytest.mark.core]

CORE = "localhost/aistack-core:1"
POSTGRES = (
    "[ -f /data/pg/PG_VERSION ] || /opt/pgbin/initdb -D /data/pg -A trust -E UTF8 --locale=C.UTF-8 >/dev/null; "
    "exec /opt/pgbin/postgres -D /data/pg -h 127.0.0.1 -k /tmp"
)
NGINX = """daemon off; pid /tmp/nginx.pid; error_log /dev/stderr warn; events { worker_connections 64; }
http { access_log /dev/stdout; client_body_temp_path /tmp/b; proxy_temp_path /tmp/p; fastcgi_temp_path /tmp/f;
uwsgi_temp_path /tmp/u; scgi_temp_path /tmp/s; server { listen 8080; location / { return 200 "here\\n"; } } }
"""
DEADLINE = 30.0


def until(check: Callable[[], object]) -> None:
    """Ask ``check`` again and again until it says yes; a refusal of Podman's counts as not yet."""
    gate, tries = threading.Event(), int(DEADLINE / 0.1)
    for _ in range(tries):
        try:
            if check():
                return
        except BackendError:
            pass
        gate.wait(0.1)
    pytest.fail(f"not within {DEADLINE:.0f} s: {check}")


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Four real services, by their short names."""
    boxes = Boxes(f"svc{os.getpid()}-")
    folder = tmp_path_factory.mktemp("conf")
    folder.chmod(0o755)
    (folder / "nginx.conf").write_text(NGINX)
    (folder / "prometheus.yml").write_text("scrape_configs: []\n")
    mounted = (f"-v={folder}:/conf:ro", "--user=65534")
    health = ("--health-cmd=psql -h /tmp -U postgres -c 'select 1'", "--health-interval=disable")
    try:
        yield {
            "postgres": boxes.run(
                "postgres",
                "sh",
                "-c",
                POSTGRES,
                image=CORE,
                flags=("--user=postgres", "--tmpfs=/data:mode=1777", *health),
            ),
            "redis": boxes.run(
                "redis", "redis-server", "--save", "", "--dir", "/tmp", image=CORE, flags=("--user=redis",)
            ),
            "nginx": boxes.run("nginx", "nginx", "-c", "/conf/nginx.conf", image=CORE, flags=mounted),
            "prometheus": boxes.run(
                "prometheus",
                *("prometheus", "--config.file=/conf/prometheus.yml", "--storage.tsdb.path=/tmp/tsdb"),
                image=CORE,
                flags=mounted,
            ),
        }
    finally:
        boxes.remove()


@pytest.fixture(scope="module")
def port() -> Iterator[ApiPodman]:
    adapter = ApiPodman(f"unix://{os.environ.get('AISTACK_TEST_PODMAN', '/run/podman/podman.sock')}", {})
    adapter.connect()
    yield adapter
    adapter.close()


def row(port: ApiPodman, name: str) -> Container:
    return next(container for container in port.list() if container.name == name)


def said(port: ApiPodman, name: str, command: str) -> str:
    done = port.exec(row(port, name).id, ("sh", "-c", command), 10)
    return done.out.decode() if done.exit_code == 0 else ""


def test_every_service_is_listed_as_running(port: ApiPodman, services: dict[str, str]) -> None:
    for name in services.values():
        found = row(port, name)
        assert found.state is ContainerState.RUNNING
        assert found.image == CORE
        assert found.started_at is not None


def test_each_service_answers_inside_its_container(port: ApiPodman, services: dict[str, str]) -> None:
    until(lambda: "1" in said(port, services["postgres"], "psql -h /tmp -U postgres -Atc 'select 1'"))
    until(lambda: "PONG" in said(port, services["redis"], "redis-cli ping"))
    until(lambda: "here" in said(port, services["nginx"], "curl -fsS http://127.0.0.1:8080/"))
    until(lambda: said(port, services["prometheus"], "curl -fsS http://127.0.0.1:9090/-/ready"))


def test_the_health_command_of_postgres_is_run_by_us(port: ApiPodman, services: dict[str, str]) -> None:
    postgres = row(port, services["postgres"])
    until(lambda: port.healthcheck(postgres.id, 10) is Health.HEALTHY)
    assert row(port, services["postgres"]).health is Health.HEALTHY


def test_the_logs_are_the_services_own(port: ApiPodman, services: dict[str, str]) -> None:
    def has_line() -> bool:
        feed = port.logs(row(port, services["postgres"]).id, tail=200, since=None, follow=False)
        return any("ready to accept connections" in line.text for block in feed for line in block)

    until(has_line)


def test_usage_of_all_comes_in_one_connection(port: ApiPodman, services: dict[str, str]) -> None:
    ids = {row(port, name).id for name in services.values()}
    feed = port.stats(1)
    seen: dict[str, Usage] = {}
    try:
        for count, sample in enumerate(feed):
            seen |= {usage.id: usage for usage in sample}
            if count == 1:
                break
    finally:
        feed.close()
    assert ids <= seen.keys()
    assert all((seen[one].memory or 0) > 1_000_000 for one in ids)


def test_stop_and_kill_leave_their_exit_codes(port: ApiPodman, services: dict[str, str]) -> None:
    redis, nginx = row(port, services["redis"]), row(port, services["nginx"])
    port.stop(redis.id, 5)
    port.kill(nginx.id)
    until(lambda: row(port, services["nginx"]).state is ContainerState.EXITED)
    assert row(port, services["redis"]).exit_code == 0
    assert row(port, services["nginx"]).exit_code == 137
    podman("start", services["redis"])
    assert row(port, services["redis"]).state is ContainerState.RUNNING
