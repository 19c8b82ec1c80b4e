"""A client that we did not write, and that knows nothing of us: the program ``llm``, told where the API is."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest
from tests.bed.openai_client import on_a_port
from tests.bed.writing import Writes

LLM = str(Path(sys.executable).with_name("llm"))
MODELS = """\
- model_id: ours
  model_name: default
  api_base: "{url}"
  supports_schema: true
  supports_tools: true
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


async def llm(home: Path, url: str, *words: str) -> str:
    """Run ``llm WORDS`` with that API among its models; returns what it printed."""
    (home / "extra-openai-models.yaml").write_text(MODELS.format(url=url))
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    env = {**kept, "HOME": str(home), "LLM_USER_PATH": str(home), "OPENAI_API_KEY": "none", "NO_PROXY": "*"}
    pipe = asyncio.subprocess.PIPE
    words = ("prompt", "-m", "ours", "--no-log", *words)
    run = await asyncio.create_subprocess_exec(
        LLM, *words, env=env, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe
    )
    out, said = await asyncio.wait_for(run.communicate(), 120)
    assert run.returncode == 0, said.decode()
    return out.decode()


@pytest.mark.parametrize("how", [(), ("--no-stream",)])
async def test_it_gets_an_answer(home: Path, how: tuple[str, ...]) -> None:
    model = Writes("Hello from here.")
    async with on_a_port(model) as url:
        assert await llm(home, url, "-s", "Be short.", *how, "hello") == "Hello from here.\n"
    assert [turn.text for turn in model.asked[0].turns] == ["Be short.", "hello"]


async def test_it_gets_json_of_a_schema(home: Path) -> None:
    model = Writes('{"name": "Rex", "age": 3}')
    async with on_a_port(model) as url:
        assert json.loads(await llm(home, url, "--schema", "name, age int", "a dog")) == {"name": "Rex", "age": 3}
    assert json.loads(model.asked[0].schema)["properties"]["age"]["type"] == "integer"


async def test_it_runs_a_tool_and_goes_on(home: Path) -> None:
    model = Writes('{"tool": "double", "args": {"number": 21}}', then='{"answer": "It is 42."}')
    code = "def double(number: int) -> int:\n    'Doubles a number.'\n    return 2 * number\n"
    async with on_a_port(model) as url:
        assert await llm(home, url, "--functions", code, "twice 21?") == "It is 42.\n"
    assert model.asked[1].turns[-1].text == "The tool double gave:\n| 42"
