"""The configuration of the services agrees with the manifest: who is scraped, routed to, shown and alarmed about."""

from __future__ import annotations

import json
import re
from typing import Any

import yaml
from tests.bed.twenty import PORTS, ROLES, stack

from aistack_backend.api.roles.meter import Meter
from aistack_backend.containers.stack.source import bundled

CONFIG = bundled().parent / "config"
EXPORTERS = {**{name: PORTS[name] for name in ROLES}, "qdrant": 6333, "grafana": 3000, "jaeger": 8888}
ROUTES = {
    "aidb": "aidb:8091",
    "hybrid": "hybrid-coordinator:8092",
    "ralph": "ralph-wiggum:8090",
    "code": "code-machine:8095",
    "nixos": "nixos-docs:8094",
    "aider": "aider-wrapper:8096",
}
METRICS = {
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "ALERTS",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
    "prometheus_config_last_reload_successful",
    "prometheus_rule_evaluation_failures_total",
}
"""What Prometheus makes itself, and what every client library gives; what our roles give is asked of them."""


def of_roles() -> set[str]:
    """The metrics of our own services."""
    return set(re.findall(r"^# HELP (\w+)", Meter("aidb").text().decode(), re.MULTILINE))


def read(name: str) -> Any:
    """A YAML file of the configuration."""
    return yaml.safe_load((CONFIG / name).read_text())


def metrics(expression: str) -> set[str]:
    """The names of metrics in a query."""
    bare = re.sub(r'\{[^}]*\}|\[[^]]*\]|\b(by|on)\s*\([^)]*\)|"[^"]*"', " ", expression)
    words = set(re.findall(r"[a-zA-Z_][a-zA-Z0-9_]*(?!\w*\s*\()", bare))
    return words - {"and", "or", "by", "on"}


def test_prometheus_scrapes_everything_that_exports() -> None:
    jobs = read("prometheus/prometheus.yml")["scrape_configs"]
    targets = [
        (group["labels"]["service"], target)
        for job in jobs
        for group in job["static_configs"]
        for target in group["targets"]
    ]
    wanted = {(name, f"{name}:{port}") for name, port in EXPORTERS.items()}
    own = {("prometheus", "localhost:9090"), ("backend", "health-monitor:8097")}  # the latter at /numbers
    assert set(targets) == wanted | own
    assert len(targets) == len(set(targets))


def test_prometheus_reads_the_key_where_the_manifest_puts_it() -> None:
    (job,) = [job for job in read("prometheus/prometheus.yml")["scrape_configs"] if job["job_name"] == "qdrant"]
    uses = {use.target for use in stack().services["prometheus"].secrets}
    assert uses == {job["authorization"]["credentials_file"]}


def test_every_query_is_of_a_metric_that_exists() -> None:
    rules = [rule for group in read("prometheus/rules.yml")["groups"] for rule in group["rules"]]
    assert len(rules) >= 6
    assert all(rule["for"] and rule["labels"]["severity"] and rule["annotations"]["summary"] for rule in rules)
    dashboard = json.loads((CONFIG / "grafana/dashboards/stack.json").read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    assert len(queries) >= 6
    for query in [rule["expr"] for rule in rules] + queries:
        found = metrics(query)
        assert found
        assert found <= METRICS | of_roles(), query


def test_grafana_finds_its_sources_and_dashboards() -> None:
    sources = {one["uid"]: one["url"] for one in read("grafana/provisioning/datasources/stack.yaml")["datasources"]}
    assert sources == {"prometheus": "http://prometheus:9090", "jaeger": "http://jaeger:16686"}
    (provider,) = read("grafana/provisioning/dashboards/stack.yaml")["providers"]
    mounts = {mount.target: mount.source for mount in stack().services["grafana"].mounts}
    assert mounts[provider["options"]["path"]] == str(CONFIG / "grafana/dashboards")
    dashboard = json.loads((CONFIG / "grafana/dashboards/stack.json").read_text())
    assert {panel["datasource"]["uid"] for panel in dashboard["panels"]} <= set(sources)


def test_nginx_routes_what_the_note_names() -> None:
    text = (CONFIG / "nginx/nginx.conf").read_text()
    found = dict(re.findall(r"location /(\w+)/ \{\s+set \$to ([\w:-]+);", text))
    assert found == ROUTES
    assert "set $to open-webui:8080;" in text
    assert "resolver" not in re.sub(r"include /tmp/resolver.conf;", "", text), "the network's own is asked"
    assert not re.findall(r"proxy_pass http://[a-z]", text), "a name in proxy_pass would be looked up at the start"
    assert "ssl_certificate /run/secrets/local-ai-tls;" in text


def test_redis_stays_below_its_limit() -> None:
    lines = dict(line.split(" ", 1) for line in (CONFIG / "redis/redis.conf").read_text().splitlines() if " " in line)
    limit = stack().services["redis"].memory_limit or 0
    assert int(lines["maxmemory"].removesuffix("mb")) << 20 < 0.75 * limit
    assert "requirepass" in " ".join(stack().services["redis"].command)


def test_jaeger_takes_otlp_and_shows_it() -> None:
    found = read("jaeger/config.yaml")
    assert found["receivers"]["otlp"]["protocols"]["http"]["endpoint"] == "0.0.0.0:4318"
    assert found["extensions"]["jaeger_query"]["http"]["endpoint"] == "0.0.0.0:16686"
    pipeline = found["service"]["pipelines"]["traces"]
    assert set(pipeline["receivers"]) <= set(found["receivers"])
    assert set(pipeline["exporters"]) <= set(found["exporters"])
    assert set(found["service"]["extensions"]) == set(found["extensions"])
    (reader,) = found["service"]["telemetry"]["metrics"]["readers"]
    assert reader["pull"]["exporter"]["prometheus"]["port"] == EXPORTERS["jaeger"]


def test_every_mounted_file_is_there() -> None:
    for one in stack().services.values():
        for mount in one.mounts:
            if mount.source.startswith(str(CONFIG)):
                assert (CONFIG / mount.source.removeprefix(f"{CONFIG}/")).exists(), f"{one.id}: {mount.source}"
