"""The published description holds: no undocumented status, shape or media type, no failure, on every operation.

In process over in-memory adapters, and once over the real socket of a real process without Podman.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.config import SchemathesisConfig
from schemathesis.schemas import BaseSchema

from .asgi_thread import AsgiThread
from .conftest import Accepted, make_app, running, settings_in, small_world

EXAMPLES = int(os.environ.get("API_EXAMPLES", "4"))
CHECKS = {
    "not_a_server_error": {"expected-statuses": ["2xx", "4xx"]},
    # 422 (400 in OpenAI's form) is also the answer to what only the rules can judge: an unknown kind, an empty message
    "positive_data_acceptance": {"expected-statuses": ["2xx", "400", "403", "404", "409", "422"]},
}
BACKEND = str(Path(sys.executable).with_name("aistack-backend"))
drive = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def configuration(**checks: dict[str, Any]) -> SchemathesisConfig:
    """Every check on, everything repeatable."""
    return SchemathesisConfig.from_dict(
        {"generation": {"deterministic": True, "max-examples": EXAMPLES}, "checks": {**CHECKS, **checks}}
    )


def prepared(case: Any) -> Any:
    """Make a case end: nobody follows a log or the events for ever here."""
    if case.query and case.query.get("follow"):
        case.query["follow"] = False
    case.headers = {**(case.headers or {}), "X-Aistack-Via": "cli"}
    return case


class Named:
    """Gives schemathesis's requests the Host that the guard asks for."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            kept = [(name, value) for name, value in scope["headers"] if name != b"host"]
            scope["headers"] = [(b"host", b"localhost"), *kept]
        await self.app(scope, receive, send)


@pytest.fixture(scope="module")
def in_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BaseSchema]:
    """The description and the application behind it, in memory."""
    app = make_app(settings_in(tmp_path_factory.mktemp("api")), small_world())
    with AsgiThread(Named(Accepted(app)), running(app)) as thread:
        yield schemathesis.openapi.from_asgi("/v1/openapi.json", thread, config=configuration())


# the application's own threads draw random numbers while a case is made
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module")
schema = schemathesis.pytest.from_fixture("in_process")


@schema.parametrize()
@drive
def test_every_operation_keeps_its_description(case: Any) -> None:
    prepared(case).call_and_validate()


@pytest.fixture(scope="module")
def real() -> Iterator[BaseSchema]:
    """The description, to be driven over the socket of a process without Podman."""
    folder = Path(tempfile.mkdtemp(prefix="ai-", dir="/tmp"))
    env = {
        **os.environ,
        "AISTACK_DATA_DIR": str(folder / "d"),
        "AISTACK_CONFIG": str(folder / "none.toml"),
        "AISTACK_MODEL_ADAPTER": "memory",
        "CONTAINER_HOST": f"unix://{folder}/no-podman.sock",
    }
    try:
        subprocess.run([BACKEND, "serve", "--detach"], env=env, check=True, timeout=60)
        with httpx.Client(transport=httpx.HTTPTransport(uds=str(folder / "d/run/backend.sock"))) as client:
            document = client.get("http://localhost/v1/openapi.json").json()
        checks = {name: {"expected-statuses": [*check["expected-statuses"], "503"]} for name, check in CHECKS.items()}
        loaded = schemathesis.openapi.from_dict(document, config=configuration(**checks))
        loaded.location = str(folder / "d/run/backend.sock")
        yield loaded
    finally:
        subprocess.run([BACKEND, "stop"], env=env, check=False, timeout=60, capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)


live = schemathesis.pytest.from_fixture("real").exclude(path=["/v1/events", "/v1/shutdown"])


@live.parametrize()
@settings(drive, max_examples=1)
def test_the_real_socket_keeps_it_too(case: Any) -> None:
    request: Any = requests.Request(**prepared(case).as_transport_kwargs(base_url="http://localhost")).prepare()
    transport = httpx.HTTPTransport(uds=case.operation.schema.location, verify=False)
    with httpx.Client(transport=transport, timeout=30, trust_env=False) as client:
        answer = client.request(request.method, request.url, headers=request.headers, content=request.body)
    case.validate_response(answer)
