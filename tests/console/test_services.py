"""The words and rows of services, overview, approvals, tasks and audit: nothing that was not measured."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.console.stage import NOW, source
from tests.console.world import FLEET, approval, container, fleet

from aistack_backend.wire.actions import ApprovalState, Risk
from aistack_backend.wire.containers import ContainerState, Health, Usage, UsageTable
from aistack_backend.wire.host import Disk, HostSample
from aistack_backend.wire.sources import SourceState
from aistack_backend.wire.tasks import Task, TaskList, TaskState
from aistack_console.present import container as show
from aistack_console.present import overview, tasks
from aistack_console.present.approvals import Typed, evidence, missing
from aistack_console.present.para import Para, numbered, para, wrap
from aistack_console.present.services import View, listed, matcher
from aistack_console.present.table import Row
from aistack_console.present.units import bar, coarse, percent, size, span
from aistack_console.present.words import risk_cell, word_of
from aistack_console.widgets.spark import spark

ENDED = ContainerState.EXITED


@pytest.mark.parametrize(
    ("state", "health", "code", "word"),
    [
        (ContainerState.RUNNING, Health.NONE, None, "OK"),
        (ContainerState.RUNNING, Health.HEALTHY, None, "OK"),
        (ContainerState.RUNNING, Health.STARTING, None, "STARTING"),
        (ContainerState.RUNNING, Health.UNHEALTHY, None, "BAD"),
        (ContainerState.RUNNING, Health.UNKNOWN, None, "UNKNOWN"),
        (ContainerState.PAUSED, Health.NONE, None, "HELD"),
        (ENDED, Health.NONE, 0, "STOPPED"),
        (ENDED, Health.NONE, 137, "STOPPED"),
        (ENDED, Health.NONE, 1, "BAD"),
        (ENDED, Health.NONE, None, "STOPPED"),
        (ContainerState.DEAD, Health.NONE, None, "BAD"),
        (ContainerState.UNKNOWN, Health.NONE, None, "UNKNOWN"),
    ],
)
def test_every_state_has_its_word(state: ContainerState, health: Health, code: int | None, word: str) -> None:
    assert word_of(container("x", state, health=health, exit_code=code)).word == word


@pytest.mark.parametrize("state", list(ContainerState))
@pytest.mark.parametrize("health", list(Health))
def test_no_state_is_without_a_word(state: ContainerState, health: Health) -> None:
    assert word_of(container("x", state, health=health)).word


def rows(view: View | None = None, usage: UsageTable | None = None, **more: object) -> tuple[Row, ...]:
    told = {"down": None, "why": "", "now": NOW} | more
    return listed(FLEET, usage, view or View(), **told).rows  # type: ignore[arg-type]


def words(row: Row) -> list[str]:
    return [cell if isinstance(cell, str) else cell[0] for cell in row.cells]


def test_what_was_not_measured_is_a_dash() -> None:
    used = UsageTable(at=NOW, rows=(Usage(id=FLEET.containers[0].id, at=NOW, memory=1024**3),))
    first = words(rows(usage=used)[0])
    assert first[3:5] == ["-", "1.0G/-"]


def test_old_usage_and_old_states_are_not_shown_as_new() -> None:
    used = UsageTable(at=NOW - 60, rows=(Usage(id=FLEET.containers[0].id, at=NOW - 60, cpu_percent=50.0),))
    assert words(rows(usage=used)[0])[4] == "-"
    down = words(rows(down=NOW - 5)[0])
    assert down[1:3] == ["UNKNOWN", "-"]
    assert down[-1] == "was OK 5s ago"


def test_nothing_known_is_said_not_drawn_as_empty() -> None:
    found = listed(None, None, View(), down=NOW, why="Nobody answers.", now=NOW)
    assert (found.rows, found.head, found.problem) == ((), "not measured yet", "Nobody answers.")


@pytest.mark.parametrize("sort", ["name", "state", "cpu", "memory", "up"])
def test_every_order_is_total(sort: str) -> None:
    there = rows(View(sort=sort))
    back = rows(View(sort=sort, reverse=True))
    assert len(there) == len(back) == len(FLEET.containers)
    if sort == "state":
        assert words(there[0])[1] == "BAD"


@pytest.mark.parametrize(
    ("text", "hits"), [("", 2), ("web", 1), ("!web", 1), ("W.B", 1), ("[", 0), ("!", 2), ("zzz", 0)]
)
def test_filters(text: str, hits: int) -> None:
    matches, fault = matcher(text)
    assert sum(matches(line) for line in ("web nginx", "db postgres")) == hits
    assert bool(fault) == (text == "[")


@pytest.mark.parametrize(
    ("value", "said"),
    [(None, "-"), (0, "0"), (812, "812"), (1536, "2K"), (1024**3 * 9.8, "9.8G"), (1024**5, "1024T")],
)
def test_sizes(value: float | None, said: str) -> None:
    assert size(value) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [(None, "-"), (-3, "0s"), (42, "42s"), (110, "1m50"), (660, "11m"), (7920, "2h12"), (273600, "3d04h")],
)
def test_spans(value: float | None, said: str) -> None:
    assert span(value) == said


def test_small_numbers() -> None:
    assert coarse(110) == "1m"
    assert percent(None) == "-"
    assert percent(9.96) == "10"
    assert bar(None, 4) == "[????]"
    assert bar(7.0, 4) == "[####]"


def test_wrapping_loses_nothing_and_hides_nothing() -> None:
    text = "a" * 50 + " \u4e2d\u6587" * 30 + " end"
    lines = wrap([para(text)], 20)
    joined = "".join("".join(piece for piece, _ in line).removeprefix("  ") for line in lines)
    assert joined.replace(" ", "") == text.replace(" ", "")


def test_a_wrapped_line_is_no_new_line() -> None:
    shown = ["".join(piece for piece, _ in line) for line in wrap(numbered("x" * 30 + "\nrm -rf /"), 20)]
    assert shown == ["1 | " + "x" * 16, "  . " + "x" * 14, "2 | rm -rf /"]


def test_evidence_names_everything_that_is_bound() -> None:
    one = approval(script="echo 1\necho 2", cwd="/w", user="1000", image="sha256:ab", agent_says="trust me")
    text = "\n".join("".join(c if isinstance(c, str) else c[0] for c in line.cells) for line in evidence(one, NOW))
    for part in (
        "restart container web",
        "1 | podman",
        "2 | echo 2",
        "c" * 64,
        "StartedAt 2026",
        "/w",
        "1000",
        "sha256:ab",
        "web is away",
        "none needed",
        "MED",
        "ask: threshold medium",
        "agent:planner",
    ):
        assert part in text
    assert text.index("trust me") > text.index("its own words, not checked")


def test_a_risk_that_is_not_known_is_the_highest() -> None:
    assert risk_cell(Risk.UNKNOWN) == ("HIGH?", "bad")


def test_what_is_missing_before_a_yes() -> None:
    def ask(unseen: int = 0, typed: Typed | None = None, **more: object) -> str:
        return missing(approval(**more), unseen=unseen, typed=typed or Typed(), now=NOW)

    assert ask() == ""
    assert "3 more lines" in ask(unseen=3)
    assert "expired" in ask(expires_at=NOW - 1)
    assert "Cooling off: 30s" in ask(ready_at=NOW + 30)
    assert "Already denied by anna" in ask(state=ApprovalState.DENIED, decided_by="anna", decided_at=NOW)
    assert "Type the code" in ask(code="9f3a", typed=Typed(code="9f3b"))
    assert ask(code="9f3a", typed=Typed(code="9f3a")) == ""


def test_an_exhausted_task_is_never_done() -> None:
    assert {tasks.WORDS[state][0] for state in TaskState} >= {"EXHAUSTED", "UNSURE", "DONE"}
    assert tasks.WORDS[TaskState.EXHAUSTED] != tasks.WORDS[TaskState.DONE]
    assert set(tasks.WORDS) == set(TaskState)


def test_what_needs_the_operator_comes_first() -> None:
    unsure = Task(id=3, goal="g", requester="a", state=TaskState.UNSURE, created_at=NOW, updated_at=NOW)
    found = overview.needs(None, TaskList(tasks=(unsure,)), FLEET, down=None, now=NOW)
    assert [row.key.partition(":")[0] for row in found] == ["task", "service", "service"]


def test_an_absent_gpu_is_no_fault_and_an_absent_podman_is() -> None:
    gone = replace(source(state=SourceState.ABSENT), detail="No socket.", hint="Install podman.")
    lines = overview.faults(None, fleet(source=gone), NOW)
    assert "No socket." in lines[0].cells[0][0]


def test_an_old_sample_of_the_machine_says_its_age() -> None:
    disk = Disk(path="/", label="data", used=1, total=4)
    old = HostSample(at=NOW - 60, hostname="box", cores=2, disks=(disk,))
    text = str(overview.summary(status=None, fleet=None, host=old, model=None, tasks=None, down=None, now=NOW))
    assert "UNKNOWN, 1m00 old" in text
    assert "disk data 25%" in text
    assert "net in -/s out -/s" in text


def test_a_counter_that_began_anew_is_a_gap() -> None:
    used = [Usage(id="x", at=NOW + n, net_in=value) for n, value in enumerate((100, 200, 50, None, 90, 190))]
    assert show._rates(used, lambda row: row.net_in) == [100.0, None, None, None, 100.0]
    lines: tuple[Para, ...] = show.stats(used, container("x"), spark, 60)
    assert "·" in str(lines)
