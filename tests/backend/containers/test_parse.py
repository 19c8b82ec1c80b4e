"""Podman's JSON, as it came from 4.3.1, and as nobody should send it."""

from __future__ import annotations

from typing import Any

import pytest

from aistack_backend.containers import parse
from aistack_backend.wire.containers import ContainerState, Health, Port

ROW: dict[str, Any] = {
    "Command": ["redis-server", "--requirepass", "hunter2"],
    "Created": "2026-11-23T00:31:24.823345206Z",
    "ExitedAt": -62135596800,
    "ExitCode": 0,
    "Id": "5b8bd80c" * 8,
    "Image": "localhost/x:1",
    "ImageID": "756aabe0" * 8,
    "Labels": {"io.aistack.managed": "true", "db.password": "hunter2"},
    "Mounts": ["/data"],
    "Names": ["web"],
    "Networks": ["podman"],
    "Pid": 20637,
    "Ports": [{"host_ip": "127.0.0.1", "container_port": 80, "host_port": 8080, "range": 2, "protocol": "tcp"}],
    "StartedAt": 1795393884,
    "State": "running",
    "Status": "starting",
}


def test_a_running_row() -> None:
    row = parse.container_row(ROW)
    assert row.state is ContainerState.RUNNING
    assert row.health is Health.STARTING
    assert row.exit_code is row.finished_at is row.restarts is None
    assert row.started_at == 1795393884.0
    assert row.managed
    assert row.ports == (
        Port(host_ip="127.0.0.1", host_port=8080, container_port=80),
        Port(host_ip="127.0.0.1", host_port=8081, container_port=81),
    )
    assert "hunter2" not in repr(row)


def test_a_container_that_never_ran() -> None:
    row = parse.container_row(ROW | {"State": "created", "StartedAt": -62135596800, "Pid": 0, "Status": ""})
    assert row.started_at is row.finished_at is row.exit_code is row.pid is None
    assert row.health is Health.NONE


def test_an_exited_row() -> None:
    row = parse.container_row(ROW | {"State": "exited", "ExitedAt": 1795393885, "ExitCode": 137})
    assert (row.finished_at, row.exit_code) == (1795393885.0, 137)


def test_words_of_a_newer_podman_are_unknown() -> None:
    row = parse.container_row(ROW | {"State": "levitating", "Status": "Up 3 minutes"})
    assert row.state is ContainerState.UNKNOWN
    assert row.health is Health.NONE


@pytest.mark.parametrize("missing", [key for key in ROW if key != "Id"])
@pytest.mark.parametrize("instead", ["absent", None])
def test_a_row_without_something_is_still_a_row(missing: str, instead: str | None) -> None:
    row = {key: value for key, value in ROW.items() if key != missing} | ({} if instead else {missing: None})
    assert parse.container_row(row).id == ROW["Id"]


@pytest.mark.parametrize(
    ("stamp", "seconds"),
    [
        ("2026-11-23T00:31:24Z", 1795393884.0),
        ("0001-01-01T00:00:00Z", None),
        (-62135596800, None),
        (0, None),
        (1795393884, 1795393884.0),
        ("", None),
        ("yesterday", None),
        (None, None),
        ([], None),
    ],
)
def test_when(stamp: object, seconds: float | None) -> None:
    assert parse.when(stamp) == seconds


@pytest.mark.parametrize(
    ("stamp", "nanos"),
    [
        ("2026-11-23T00:31:24.952132239Z", 1795393884952132239),
        ("2026-11-23T00:31:24.95213Z", 1795393884952130000),
        ("2026-11-23T00:31:24Z", 1795393884000000000),
        ("2026-11-23T01:31:24.5+01:00", 1795393884500000000),
        ("", 0),
        ("rubbish.1", 100000000),
    ],
)
def test_nanos_to_the_last_digit(stamp: str, nanos: int) -> None:
    assert parse.nanos(stamp) == nanos


def test_the_same_event_from_file_and_api() -> None:
    from_file = parse.event_file(
        {
            "ContainerExitCode": 3,
            "ID": "c8",
            "Name": "web",
            "Status": "died",
            "Time": "2026-11-23T00:38:44.47845009Z",
            "Type": "container",
        }
    )
    from_api = parse.event_api(
        {
            "Type": "container",
            "Action": "died",
            "Actor": {"ID": "c8", "Attributes": {"containerExitCode": "3", "name": "web"}},
            "timeNano": 1795394324478450090,
        }
    )
    assert from_file == from_api


def test_usage_of_a_wrapped_counter_is_not_measured() -> None:
    row = {"ContainerID": "a", "CPU": 4.2e12, "MemUsage": 5}
    assert parse.usage_row(row, 1.0).cpu_percent is None
    assert parse.usage_row(row | {"CPU": 30.5}, 1.0).cpu_percent == 30.5
    assert parse.usage_row({"ContainerID": "a"}, 1.0).memory is None
