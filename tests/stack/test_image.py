"""Our image in real containers: not root, with curl, well with what it needs and unwell without it."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.bed.backend import house, wait_until
from tests.bed.boxes import podman
from tests.bed.stack_images import image

from aistack_backend.inference import catalogue, fetch

pytestmark = [pytest.mark.podman, pytest.mark.stack, pytest.mark.timeout(300)]
GUARDED = ("--cap-drop=all", "--security-opt=no-new-privileges", "--pids-limit=256", "--init", "--stop-timeout=1")
TRIES = 100
RECEIVER = """
import http.server
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            service = {one.key: one.value.string_value for one in resource.resource.attributes}["service.name"]
            for one in resource.scope_spans[0].spans:
                print(service, one.name, one.trace_id.hex(), one.span_id.hex(), sep="|", flush=True)
        self.send_response(200)
        self.end_headers()
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("", 4318), Receiver).serve_forever()
"""
"""An OTLP receiver, run in our image: it prints a line for each span that came."""


class Row:
    """Containers on one network of their own, by the names that the stack gives them."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.network = prefix + "net"
        self._made: list[str] = []
        podman("network", "create", self.network)

    def secret(self, name: str, value: str) -> tuple[str, str]:
        """Make a secret; return the flags that mount it under its name."""
        made = subprocess.run(
            ["podman", "secret", "create", self.prefix + name, "-"],
            input=value,
            text=True,
            capture_output=True,
            check=True,
        )
        assert made.stdout
        self._made.append(self.prefix + name)
        return "--secret", f"{self.prefix}{name},target=/run/secrets/{name},mode=0444"

    def run(self, service: str, *flags: str, name: str = "", command: tuple[str, ...] = (), own: bool = True) -> str:
        """Start a service; the roles are our own image."""
        full = self.prefix + (name or service)
        words = command or (("aistack-backend", "serve", "--role", service) if own else ())
        aliases = ("--network-alias", service, "--network-alias", f"local-ai-{service}") if not name else ()
        network = ("--network", self.network, *aliases)
        podman(
            "run", "-d", "--pull=never", "--name", full, *GUARDED, *network, *flags,
            image("aistack" if own else service), *words,
        )  # fmt: skip
        return full

    def remove(self) -> None:
        """Remove everything that was made."""
        ids = podman("ps", "-aq", "--filter", f"name={self.prefix}", check=False).split()
        podman("rm", "-f", "-t", "0", "-v", *ids, check=False)
        for secret in self._made:
            podman("secret", "rm", secret, check=False)
        podman("network", "rm", "-f", self.network, check=False)


def curl(box: str, url: str, *words: str) -> dict[str, Any]:
    """Ask from inside a container, as the note does; ``{"fault": …}`` when nobody answers."""
    done = subprocess.run(
        ["podman", "exec", box, "curl", "-sS", "-m", "5", *words, url],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    found: dict[str, Any] = json.loads(done.stdout) if done.stdout else {"fault": done.stderr}
    return found


def until(box: str, url: str, status: str, detail: str = "") -> dict[str, Any]:
    """Ask until the health answer has that status and detail; each try waits for a container's answer, not for time."""
    for _ in range(TRIES):
        if (said := curl(box, url)).get("status") == status and re.search(detail, said["detail"]):
            return said
    raise AssertionError(f"{url} never said {status}: {said}")


@pytest.fixture(scope="module")
def stack() -> Iterator[Row]:
    """PostgreSQL, Qdrant, and the two data roles that hang on them."""
    row = Row("roles-image-")
    try:
        word, key = row.secret("postgres-password", "w0rd"), row.secret("qdrant-key", "k3y")
        file = "POSTGRES_PASSWORD_FILE=/run/secrets/postgres-password"
        row.run("postgres", *word, "-e", "POSTGRES_USER=mcp", "-e", file, "--user=999:999", own=False)
        keyed = "export QDRANT__SERVICE__API_KEY=$(cat /run/secrets/qdrant-key); exec /qdrant/entrypoint.sh"
        row.run("qdrant", *key, "--entrypoint=[]", command=("sh", "-c", keyed), own=False)
        told = (
            "POSTGRES_HOST=postgres",
            file,
            "QDRANT_URL=http://qdrant:6333",
            "QDRANT_KEY_FILE=/run/secrets/qdrant-key",
        )
        row.run("aidb", *word, *key, *(flag for one in told for flag in ("-e", one)))
        stored = ("-e", "POSTGRES_HOST=postgres", "-e", file)
        row.run("hybrid-coordinator", *word, *stored, "-e", "AIDB_URL=http://aidb:8091")
        yield row
    finally:
        row.remove()


def test_the_notes_own_command_answers(stack: Row) -> None:
    said = until(stack.prefix + "aidb", "http://local-ai-hybrid-coordinator:8092/health", "ok")
    assert (said["role"], said["provided"]) == ("hybrid-coordinator", "container")
    assert said["checks"][0]["detail"] == "aidb at http://aidb:8091 is well."
    aidb = curl(stack.prefix + "aidb", "http://127.0.0.1:8091/health")
    assert [one["name"] for one in aidb["checks"]] == ["postgres", "qdrant", "documents", "embeddings"]
    assert "answered SQL" in aidb["checks"][0]["detail"]
    assert aidb["checks"][3]["detail"].startswith("Search is by words only")


def test_aidb_keeps_documents_in_the_stacks_postgresql_and_serves_them(stack: Row) -> None:
    box, at = stack.prefix + "aidb", "http://127.0.0.1:8091"
    until(box, at + "/health", "ok")
    sent = ("-H", "Content-Type: application/json", "-d")
    text = json.dumps({"text": "Redis listens on 6379.", "source": "note:redis", "collection": "docs"})
    added = curl(box, at + "/documents", *sent, text)
    assert (added["outcome"], added["document"]["added_by"]) == ("added", "role:aidb")
    assert "found by words only" in added["detail"]
    found = curl(box, at + "/search", *sent, '{"query": "6379"}')
    assert (found["mode"], found["hits"][0]["source"]) == ("words", "note:redis")
    rows = "SELECT source FROM knowledge_document"
    assert podman("exec", stack.prefix + "postgres", "psql", "-U", "mcp", "-d", "mcp", "-Atc", rows) == "note:redis"
    podman("restart", "-t", "5", box)
    until(box, at + "/health", "ok")
    assert curl(box, at + "/search", *sent, '{"query": "redis"}')["hits"][0]["source"] == "note:redis"
    call = '{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}'
    tools = curl(box, at + "/mcp", *sent, call, "-H", "Accept: application/json, text/event-stream")["result"]["tools"]
    assert [one["name"] for one in tools] == ["list_collections", "search", "store", "recall"]


def test_phase_two_and_three_of_the_note(stack: Row) -> None:
    """Its lines as they stand, asked from a container beside it: ten questions, then its SQL."""
    box, where = stack.prefix + "aidb", "http://hybrid-coordinator:8092"
    until(box, f"{where}/health", "ok")
    line = ("-H", "Content-Type: application/json", "-d", '{"query": "What is NixOS?", "context": {}}')
    for number in range(1, 11):
        said = curl(box, f"{where}/route", "-X", "POST", *line)
        assert (said["id"], said["route"]) == (number, "none"), said
        assert said["answer"].startswith("No model answered this question."), "nothing stands in for a model"
    sql = "SELECT COUNT(*) FROM telemetry WHERE timestamp > NOW() - INTERVAL '1 hour';"
    psql = ("psql", "-h", "127.0.0.1", "-U", "mcp", "-d", "mcp", "-Atc", sql)
    assert podman("exec", "-e", "PGPASSWORD=w0rd", stack.prefix + "postgres", *psql).strip() == "10"
    done = subprocess.run(
        ["podman", "logs", stack.prefix + "hybrid-coordinator"], capture_output=True, text=True, check=True
    )
    assert "Learning run 1:" in done.stdout + done.stderr


def test_it_is_nobody_special(stack: Row) -> None:
    box = stack.prefix + "aidb"
    assert podman("exec", box, "id", "-u") == "10001"
    status = podman("exec", box, "cat", "/proc/1/status")
    assert "NoNewPrivs:\t1" in status
    assert "CapEff:\t0000000000000000" in status
    shown = json.loads(podman("container", "inspect", box))[0]
    assert "w0rd" not in json.dumps(shown)
    assert not [mount for mount in shown["Mounts"] if "podman" in mount["Source"]]


def test_a_wrong_password_is_told(stack: Row) -> None:
    wrong = stack.secret("wrong", "guess")
    told = ("POSTGRES_HOST=postgres", "POSTGRES_PASSWORD_FILE=/run/secrets/wrong", "QDRANT_URL=http://qdrant:6333")
    box = stack.run("aidb", *wrong, *(flag for one in told for flag in ("-e", one)), name="stranger")
    said = until(box, "http://127.0.0.1:8091/health", "unavailable")
    assert 'password authentication failed for user "mcp"' in said["detail"]
    assert "Qdrant at http://qdrant:6333 answered 401 to /collections with our key." in said["detail"]


def test_each_fault_is_told_in_its_own_words(stack: Row) -> None:
    box = stack.prefix + "aidb"
    until(box, "http://hybrid-coordinator:8092/health", "ok")
    podman("stop", "-t", "1", stack.prefix + "qdrant")
    told = r"aidb at http://aidb:8091 answered 503. .*qdrant.* (does|did) not answer"
    until(box, "http://hybrid-coordinator:8092/health", "unavailable", told)
    podman("start", stack.prefix + "qdrant")
    until(box, "http://hybrid-coordinator:8092/health", "ok")


def test_a_front_reaches_the_backend_of_its_host_and_outlives_it(stack: Row) -> None:
    with house() as home:
        home.start()
        folder = home.data / "run/roles/ralph-wiggum"
        wait_until((folder / "aistack.sock").exists, 30, home.said)
        box = stack.run("ralph-wiggum", f"--volume={folder}:/run/aistack")
        health, execute = "http://127.0.0.1:8090/health", "http://127.0.0.1:8090/execute"
        until(box, health, "ok")
        body = ("-d", '{"task": "List available NixOS packages", "require_approval": false}')
        asked = curl(box, execute, "-H", "Content-Type: application/json", *body)
        assert asked["task"]["requester"] == "role:ralph-wiggum"
        assert "Asking for no approval never lowers that." in asked["note"]
        assert curl(box, "http://127.0.0.1:8090/v1/approvals")["status"] == 404
        home.stop_backend()
        assert "does not answer on /run/aistack/aistack.sock" in until(box, health, "unavailable")["detail"]
        home.start()
        until(box, health, "ok")


def test_a_front_sends_its_spans_and_carries_the_trace_to_its_backend(stack: Row) -> None:
    there = stack.run("jaeger", command=("python3", "-c", RECEIVER))
    with house() as home:
        home.start()
        folder = home.data / "run/roles/ralph-wiggum"
        wait_until((folder / "aistack.sock").exists, 30, home.said)
        sends = ("-e", "AISTACK_TRACES_OTLP=http://jaeger:4318")
        box = stack.run("ralph-wiggum", f"--volume={folder}:/run/aistack", *sends, name="tracing")
        until(box, "http://127.0.0.1:8090/health", "ok")
        words = ("-H", "Content-Type: application/json", "-d", '{"task": "List available NixOS packages"}')
        number = str(curl(box, "http://127.0.0.1:8090/execute", *words)["task"]["id"])
        wait_until(lambda: podman("logs", there).startswith("ralph-wiggum|"), 30, lambda: podman("logs", box))
        service, name, trace, span = podman("logs", there).split("|")
        assert (service, name) == ("ralph-wiggum", "POST /execute")
        found = json.loads(home.cli("traces", number, "--json").stdout)
        (request,) = [one for one in found["spans"] if one["name"] == "POST /execute"]
        assert (found["id"], request["parent_id"], request["service"]) == (trace, span, "backend")
        numbers = podman("exec", box, "curl", "-sS", "http://127.0.0.1:8090/metrics")
        assert 'aistack_role_spans_sent_total{role="ralph-wiggum"} 1' in numbers


@pytest.mark.engine
def test_a_model_in_the_mounted_folder_answers_in_openais_form(stack: Row) -> None:
    bare = stack.run("llama-cpp", name="bare", command=("aistack-backend", "serve", "--role", "llama-cpp"))
    said = until(bare, "http://127.0.0.1:8080/health", "ok")
    assert said["not_built"] == ["serving a model: no GGUF file lies in /models"]
    assert curl(bare, "http://127.0.0.1:8080/v1/models")["status"] == 404

    models = fetch.model_file(Path(os.environ["AISTACK_CACHE_DIR"]), catalogue.SMALL).parent
    box = stack.run("llama-cpp", f"--volume={models}:/models:ro")
    until(box, "http://127.0.0.1:8080/health", "ok")
    listed = curl(box, "http://127.0.0.1:8080/v1/models")["data"]
    assert [one["id"] for one in listed] == [Path(listed[0]["id"]).name]
    body = ("-d", '{"messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 8}')
    json_kind = ("-H", "Content-Type: application/json")
    said = curl(box, "http://127.0.0.1:8080/v1/chat/completions", *json_kind, "-m", "60", *body)
    assert said["choices"][0]["message"]["content"], said
    assert 1 <= said["usage"]["completion_tokens"] <= 8

    route = ("-H", "Content-Type: application/json", "-m", "100", "-d", '{"query": "Say hello.", "max_tokens": 8}')
    until(stack.prefix + "aidb", "http://hybrid-coordinator:8092/health", "ok")
    said = curl(stack.prefix + "aidb", "http://hybrid-coordinator:8092/route", *route)
    assert (said.get("route"), bool(said.get("answer"))) == ("local", True), said
    assert said["id"] > 0
