"""What must not cross the socket, does not."""

from __future__ import annotations

import json

import pytest
from tests.backend.containers.worlds import Stage

from aistack_backend.containers.secrets import MASK, scrub_arguments, scrub_document, scrub_labels, scrub_text

CANARY = "c4n4ry-b1rd"


@pytest.mark.parametrize(
    "arguments",
    [
        ["redis-server", "--requirepass", CANARY],
        ["x", f"--password={CANARY}"],
        ["x", "--api-key", CANARY, "--port", "80"],
        ["env", f"TOKEN={CANARY}", "run"],
        ["psql", f"postgres://mcp:{CANARY}@db:5432/x"],
        ["curl", "-H", f"https://user:{CANARY}@host/"],
    ],
)
def test_arguments(arguments: list[str]) -> None:
    scrubbed = scrub_arguments(arguments)
    assert CANARY not in " ".join(scrubbed)
    assert MASK in " ".join(scrubbed)
    assert len(scrubbed) == len(arguments)


@pytest.mark.parametrize("text", ["sleep 100", "a=b", "--port=80", "http://host:8080/x", "author=me", "sh -c 'x'"])
def test_plain_text_stays(text: str) -> None:
    assert scrub_text(text) == text


def test_labels() -> None:
    labels = scrub_labels({"db.password": CANARY, "url": f"amqp://a:{CANARY}@q", "version": "1"})
    assert CANARY not in str(labels)
    assert labels["version"] == "1"


def test_document() -> None:
    document = {
        "Id": "1",
        "Args": ["--token", CANARY],
        "Config": {
            "Env": [f"PLAIN={CANARY}", "EMPTY="],
            "CreateCommand": ["podman", "run", "-e", f"A={CANARY}"],
            "Labels": {"secret": CANARY},
            "Annotations": {"x": f"http://a:{CANARY}@b/"},
        },
        "Mounts": [{"Source": "/data"}],
        "Numbers": [1, 2],
        "ResolvConfPath": "/run/secrets/resolv.conf",
    }
    scrubbed = scrub_document(document)
    assert CANARY not in json.dumps(scrubbed)
    assert scrubbed["Config"]["Env"] == [f"PLAIN={MASK}", f"EMPTY={MASK}"]
    assert scrubbed["Mounts"] == [{"Source": "/data"}]
    assert scrubbed["Numbers"] == [1, 2]
    assert scrubbed["ResolvConfPath"] == "/run/secrets/resolv.conf"
    assert CANARY in json.dumps(document), "the original is not touched"


async def test_a_hundred_canaries_do_not_cross(stage: Stage) -> None:
    canaries = {f"NAME_{n}": f"{CANARY}-{n}" for n in range(100)}
    command = ("server", "--requirepass", f"{CANARY}-100")
    stage.world.add("web", command, env=canaries, labels={"my.token": f"{CANARY}-101"}, running=False)
    stage.containers.start()
    detail = await stage.containers.detail("web")
    assert CANARY not in repr(detail)
    assert {var.name for var in detail.env} == set(canaries)
    assert all(var.masked for var in detail.env)
    assert CANARY not in repr(stage.containers.resolve("web"))
