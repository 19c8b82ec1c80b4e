"""Resources shows what was measured, calls old values old, and says plainly that there is no GPU."""

from __future__ import annotations

from typing import Any

import pytest
from tests.console.shell import Shell
from tests.console.stage import NOW, Stage, source, stage, until

from aistack_backend.wire.containers import Container, ContainerState, Fleet, Usage, UsageTable
from aistack_backend.wire.events import Topic
from aistack_backend.wire.host import Disk, Gpu, GpuProcess, GpuVendor, HostSample, Series
from aistack_backend.wire.sources import SourceState
from aistack_console.present import resources as show
from aistack_console.present.help import Key, help_paras
from aistack_console.present.para import wrap
from aistack_console.screens.help import HelpScreen, open_help
from aistack_console.screens.resources import ResourcesScreen
from aistack_console.widgets.detail import Detail
from aistack_console.widgets.live_table import LiveTable

IDS = {name: f"{number:064x}" for number, name in enumerate(("aidb", "hybrid", "ralph"), 1)}


def host(**more: Any) -> HostSample:
    base: dict[str, Any] = {
        "at": NOW - 1,
        "hostname": "box",
        "cores": 2,
        "cpu_percent": 34.0,
        "memory_used": 9 << 30,
        "memory_total": 16 << 30,
        "disks": (Disk(path="/", label="root", used=97, total=100),),
        "gpu_source": source("gpu", SourceState.ABSENT),
    }
    return HostSample(**(base | more))


def set_up(on: Stage) -> None:
    made = tuple(Container(id=key, name=name, image="i", state=ContainerState.RUNNING) for name, key in IDS.items())
    on.topics[Topic.FLEET] = Fleet(at=NOW, source=source(), containers=made)
    rows = (
        Usage(id=IDS["aidb"], at=NOW, cpu_percent=3.0, memory=400 << 20, memory_limit=410 << 20, pids=3),
        Usage(id=IDS["hybrid"], at=NOW, cpu_percent=30.0, memory=100 << 20),
    )
    on.topics[Topic.USAGE] = UsageTable(at=NOW - 1, rows=rows)
    on.topics[Topic.HOST] = host()


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_the_machine_its_trends_and_containers(size: tuple[int, int]) -> None:
    async with stage() as on:
        set_up(on)
        on.answers["GET /v1/series/host.cpu"] = Series(name="host.cpu", times=(NOW - 9, NOW - 7), values=(100.0, 0.0))
        app = Shell(on, ResourcesScreen)
        async with app.run_test(size=size) as pilot:
            await until(lambda: "█▁▃ 34%" in app.text)
            assert "9.0G/16G" in app.text
            assert "No GPU found: models run on the processor." in app.text
            table = app.screen.query_one("#usage", LiveTable)
            assert [row.cells[0] for row in table.rows] == ["hybrid", "aidb", "ralph"]
            assert table.rows[2].cells[1] == ("-", "dim")
            await pilot.press("o")
            assert [row.cells[0] for row in table.rows] == ["aidb", "hybrid", "ralph"]
            await pilot.press("l", "d")
            assert app.went == [("logs", IDS["hybrid"]), ("services", "hybrid")]


async def test_gpus_name_who_holds_their_memory() -> None:
    async with stage() as on:
        set_up(on)
        process = GpuProcess(pid=7, name="llama", memory=6 << 30, container_id=IDS["aidb"])
        card = Gpu(
            index=0,
            name="RTX",
            vendor=GpuVendor.NVIDIA,
            memory_used=7 << 30,
            memory_total=12 << 30,
            processes=(process,),
        )
        on.topics[Topic.HOST] = host(gpus=(card,), gpu_source=source("gpu"))
        app = Shell(on, ResourcesScreen)
        async with app.run_test(size=(160, 45)):
            await until(lambda: "GPU0 RTX  -%" in app.text)
            assert "aidb  llama  pid 7  6.0G" in app.text


def said(paras: tuple[Any, ...]) -> str:
    return "\n".join("".join(text for text, _ in line) for line in wrap(paras, 200))


def test_a_gpu_that_cannot_be_read_is_no_absent_gpu() -> None:
    broken = source("gpu", SourceState.FAILED, detail="NVML: driver mismatch.", hint="Reboot.")
    text = said(show.gpu_paras(host(gpu_source=broken), {}))
    assert "driver mismatch" in text
    assert "No GPU found:" not in text
    assert said(show.gpu_paras(None, {})) == "Not measured yet."
    quiet = Gpu(index=0, name="x", vendor=GpuVendor.AMD)
    assert "the driver does not say" in said(show.gpu_paras(host(gpus=(quiet,)), {}))


def test_old_values_are_told_by_their_age() -> None:
    cells = show.host_cells(host(at=NOW - 100), NOW, None)
    assert ("  measured 1m40 ago", "warn") in cells
    assert show.host_cells(None, NOW, None)[0] == ("The machine has not been measured yet.", "dim")
    fleet = Fleet(at=NOW, source=source(), containers=())
    usage = UsageTable(at=NOW - 100, rows=(Usage(id="x", at=NOW - 100, cpu_percent=5.0),))
    assert show.usage_rows(fleet, usage, "cpu", now=NOW, down=None) == ()
    assert show.usage_rows(None, usage, "cpu", now=NOW, down=None) == ()


def test_limits_that_add_up_to_too_much_are_told() -> None:
    fleet = Fleet(at=NOW, source=source(), containers=())
    rows = (*tuple(Usage(id=str(i), at=NOW, memory_limit=10 << 30) for i in range(2)), Usage(id="x", at=NOW))
    text = "".join(
        cell if isinstance(cell, str) else cell[0] for cell in show.budget(fleet, UsageTable(at=NOW, rows=rows), host())
    )
    assert text == "limits add up to 20G of 16G (over-committed)  1 without a limit"
    assert "not measured" in str(show.budget(None, None, None))


async def test_help_names_every_key_and_why_one_is_off() -> None:
    async with stage() as on:
        app = Shell(on, ResourcesScreen)
        async with app.run_test(size=(80, 24)) as pilot:
            await until(lambda: app.store.fleet is not None)
            open_help(app)
            await pilot.pause()
            text = " ".join("\n".join(app.screen.query_one(Detail).lines).split())
            assert "Sort by processor, memory, name" in text
            assert "off: No container is chosen." in text
            assert "Leave (the backend goes on)" in text
            assert all(one.title in text for one in ResourcesScreen.ACTIONS)
            open_help(app)
            await pilot.press("escape")
            assert not isinstance(app.screen, HelpScreen)


def test_a_key_without_a_key_is_shown_as_a_command() -> None:
    text = said(help_paras("X", [Key(keys="", title="Do", command="do")], []))
    assert "-               Do  :do" in text
