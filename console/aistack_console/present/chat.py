"""Chat in words: the model and its preparation, the sessions, and where a goal went."""

from __future__ import annotations

from collections.abc import Sequence

from aistack_backend.wire.chat import Role, SessionList
from aistack_backend.wire.models import EngineState, ModelStatus, Stage, StageState
from aistack_backend.wire.tasks import Task, TaskState
from aistack_console.present.markdown import Code
from aistack_console.present.para import Para, fact, para
from aistack_console.present.table import Cell, Column, Row, Tone
from aistack_console.present.talk import session_name
from aistack_console.present.units import bar, day_clock, size, span

SESSION_COLUMNS = (Column("SESSION", 0), Column("LAST", 11))

_ENGINE: dict[EngineState, Tone] = {
    EngineState.READY: "ok",
    EngineState.BUSY: "ok",
    EngineState.LOADING: "accent",
    EngineState.PREPARING: "accent",
    EngineState.NO_MODEL: "warn",
    EngineState.ABSENT: "warn",
}
_STAGE: dict[StageState, Tone] = {
    StageState.DONE: "ok",
    StageState.RUNNING: "accent",
    StageState.FAILED: "bad",
    StageState.OFFERED: "warn",
}


def answers(model: ModelStatus | None) -> bool:
    """Whether the engine can take a question now."""
    return model is not None and model.engine in {EngineState.READY, EngineState.BUSY}


def preparation(model: ModelStatus | None, why_down: str, now: float) -> tuple[Para, ...]:
    """Return why nobody answers yet, each stage with its progress, and what can be done."""
    if model is None:
        return (para((why_down or "The model has not been measured yet.", "warn")),)
    tone = _ENGINE.get(model.engine, "bad")
    paras = [para((f"The model is {model.engine.value}", tone), (f" since {span(now - model.since)}.", "dim"))]
    paras += [para(text) for text in (model.detail, model.hint) if text]
    paras += [para(*stage_cells(stage, now), hang="    ") for stage in model.stages]
    if any(not card.path for card in model.cards):
        paras.append(para(("M shows the models that can be fetched, with licence, origin and size.", "dim")))
    paras.append(para(("Goals work without a model: /do restart the nginx container", "dim")))
    return tuple(paras)


def stage_cells(stage: Stage, now: float) -> tuple[Cell, ...]:
    """Return one stage: its word, name, measured progress and detail."""
    share = stage.done / stage.total if stage.total else None
    cells: list[Cell] = [(f"{stage.state.value.upper():<8}", _STAGE.get(stage.state, "dim")), stage.name]
    if stage.state is StageState.RUNNING:
        cells.append(f"  {bar(share)} {_amount(stage.done, stage.unit)} of {_amount(stage.total, stage.unit)}")
    if stage.started_at is not None:
        cells.append((f"  {span((stage.ended_at or now) - stage.started_at)}", "dim"))
    if stage.detail:
        cells.append((f"  {stage.detail}", "bad" if stage.state is StageState.FAILED else "dim"))
    return tuple(cells)


def _amount(value: int | None, unit: str) -> str:
    if value is None:
        return "?"
    return size(value) if unit == "bytes" else f"{value}"


def sessions_head(search: str, found: SessionList | None) -> tuple[Cell, ...]:
    """Return the line above the sessions: how many there are, and what is searched for."""
    count = "-" if found is None else str(len(found.sessions))
    if search:
        return (("Found ", "accent"), f"{count} with {search!r}", ("  esc shows all", "dim"))
    return (("Sessions ", "accent"), count, ("  / searches", "dim"))


def session_rows(sessions: SessionList | None, now: float) -> tuple[Row, ...]:
    """Return the sessions, last used first."""
    if sessions is None:
        return ()
    return tuple(
        Row(str(one.id), (session_name(one), (day_clock(one.updated_at, now), "dim"))) for one in sessions.sessions
    )


def goal_note(task: Task) -> tuple[Para, ...]:
    """Return where a goal went: its task, the action proposed, and where it waits for a decision."""
    paras = [para((f"task {task.id} ", "accent"), (task.state.value.upper(), _task_tone(task.state)))]
    if task.action_title:
        paras.append(fact("proposes", task.action_title))
    if task.planner:
        paras.append(fact("by", task.planner))
    if task.reason:
        paras.append(fact("why", task.reason))
    if task.approval_id is not None and task.state is TaskState.AWAITING:
        paras.append(para((f"It waits as approval {task.approval_id}: nothing runs until a person decides", "warn"),
                          (" (J goes there).", "dim")))  # fmt: skip
    if task.result:
        paras.append(fact("result", task.result))
    return tuple(paras)


def _task_tone(state: TaskState) -> Tone:
    tones: dict[TaskState, Tone] = {
        TaskState.DONE: "ok",
        TaskState.AWAITING: "warn",
        TaskState.FAILED: "bad",
        TaskState.DENIED: "bad",
        TaskState.UNSURE: "bad",
    }
    return tones.get(state, "plain")


def copies(said: Sequence[tuple[Role, str, Sequence[Code]]]) -> tuple[tuple[str, str], ...]:
    """Return what can be copied of ``(role, text, code)``: the last answer, its code, the last question."""
    answer, question, code = ("", ""), ("", ""), tuple[Code, ...]()
    for role, text, blocks in said:
        if text and role is Role.ASSISTANT:
            answer, code = ("answer", text), tuple(blocks)
        elif text and role is Role.USER:
            question = ("question", text)
    named = [(f"code {number}", block.text) for number, block in enumerate(code, 1)]
    return tuple(item for item in (answer, *named, question) if item[1])


def typing_hints(busy: bool, own: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return the keys that work while a message is written, and what they do; ``own`` are those of the screen."""
    leaves = "cancel" if busy else "keys"
    return (("enter", "send"), ("esc", leaves), ("^j", "new line"), ("up", "earlier"), ("tab", "complete"), *own)
