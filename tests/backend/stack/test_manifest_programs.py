"""The programs themselves read our configuration."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tests.bed.boxes import podman

from aistack_backend.containers.stack.source import bundled

pytestmark = [pytest.mark.podman, pytest.mark.core]
CORE = "localhost/aistack-core:1"
CONFIG = bundled().parent / "config"
RULES = Path(__file__).with_name("rules.test.yml")


def run(*command: str, mounts: dict[Path, str]) -> str:
    """Run a command of the image with files of this machine in it."""
    volumes = [word for source, target in mounts.items() for word in ("-v", f"{source}:{target}:ro")]
    return podman("run", "--rm", "--pull=never", "--net=none", *volumes, CORE, *command)


def test_prometheus_takes_its_configuration(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("x")
    mounts = {CONFIG / "prometheus": "/etc/prometheus", key: "/run/secrets/local-ai-qdrant-key"}
    assert "8 rules found" in run("promtool", "check", "config", "/etc/prometheus/prometheus.yml", mounts=mounts)


def test_every_alarm_fires() -> None:
    mounts = {CONFIG / "prometheus": "/etc/prometheus", RULES: "/tmp/rules.test.yml"}
    assert "SUCCESS" in run("promtool", "test", "rules", "/tmp/rules.test.yml", mounts=mounts)


def test_nginx_takes_its_configuration(tmp_path: Path) -> None:
    certificate(tmp_path / "tls.pem")
    mounts = {CONFIG / "nginx": "/etc/nginx/aistack", tmp_path / "tls.pem": "/run/secrets/local-ai-tls"}
    # the last line of start.sh, as a test of what it wrote
    script = "sed '$d' /etc/nginx/aistack/start.sh | sh && exec nginx -t -c /etc/nginx/aistack/nginx.conf 2>&1"
    assert "test is successful" in run("sh", "-c", script, mounts=mounts)


def certificate(path: Path) -> None:
    """Write a key and its certificate into one file, as the stack's secret has them."""
    words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost -keyout - -out -"
    done = subprocess.run(["openssl", *words.split()], capture_output=True, check=True)
    path.write_bytes(done.stdout)
    path.chmod(0o644)
