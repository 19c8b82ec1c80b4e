"""What ``docs/openai.md`` shows runs as it stands, against a backend of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.bed.backend import House, house, wait_until
from tests.bed.openai_client import client_of_socket, openai

from aistack_backend.inference.catalogue import SMALL

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "openai.md").read_text()


def block(language: str) -> str:
    """The page's block of that language."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


@pytest.fixture(scope="module")
def home() -> Iterator[House]:
    """A backend whose model repeats what it is told."""
    with house(AISTACK_MODEL_ENABLED="true", AISTACK_MODEL_ADAPTER="memory") as made:
        made.start()
        wait_until(lambda: ready(made), 60, made.said)
        yield made


def ready(home: House) -> bool:
    """Whether the model answers; the first moments of a backend are 503."""
    with client_of_socket(home.socket) as client:
        try:
            return bool(client.models.list().model_extra["engine"] == "ready")
        except openai.InternalServerError:
            return False


def run(words: list[str], home: House) -> str:
    """Run a program as the page does, with the data folder of the house."""
    env = {**os.environ, **home.env}
    done = subprocess.run(words, env=env, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_command_runs(home: House) -> None:
    shown = block("sh")
    place = "~/.local/share/aistack/run/backend.sock"
    assert place in shown
    said = json.loads(run(["sh", "-c", shown.replace(place, str(home.socket))], home))
    assert said["choices"][0]["message"]["content"].startswith("You said: Say hello.")


def test_the_program_runs(home: House) -> None:
    assert run([sys.executable, "-c", block("python")], home).startswith("You said: Say hello.")


def test_the_official_client_reaches_every_route_over_the_socket(home: House) -> None:
    with client_of_socket(home.socket) as client:
        assert client.models.list().object == "list"
        assert client.models.retrieve(SMALL.id).id == SMALL.id
        said = client.completions.create(model="default", prompt="so", max_tokens=3)
        assert said.choices[0].text == "You said: so "
        stream = client.chat.completions.create(
            model="default", messages=[{"role": "user", "content": "hello"}], max_tokens=3, stream=True
        )
        assert "".join(chunk.choices[0].delta.content or "" for chunk in stream) == "You said: hello "
