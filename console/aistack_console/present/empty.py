"""What a pane says while it has nothing to show: why, what will stand there, and how it gets there."""

from __future__ import annotations

from aistack_backend.wire.containers import Fleet
from aistack_backend.wire.sources import Source, SourceState
from aistack_backend.wire.stack import Stack
from aistack_backend.wire.status import Status
from aistack_console.present.grouped import HOST
from aistack_console.present.para import Para, fact, para
from aistack_console.present.services import View
from aistack_console.present.units import span

GAP = para("")


def _said(first: str, *rows: tuple[str, str]) -> tuple[Para, ...]:
    return (para(first), GAP, *(fact(name, text) for name, text in rows))


def away(why: str) -> tuple[Para, ...]:
    """Return why nothing is known at all: the backend has not told it yet."""
    return (para((why or "Not measured yet.", "warn")),)


def approvals(status: Status | None) -> tuple[Para, ...]:
    """Return what the evidence pane says while the queue is empty."""
    asks = f"risk {status.threshold} or higher" if status and status.require_approval else "destructive risk"
    return _said(
        "Nothing waits for a decision.",
        ("comes", f"every action of {asks} that an agent, a goal or a program asks for"),
        ("try", '6, then /do restart NAME; or in a shell: aistack-console run "restart NAME"'),
        ("then", "here stands the whole action: its command, target, effect, undo, risk and who asked"),
        ("rule", "nothing runs before a person decides; no answer in time is a no"),
    )


def tasks() -> tuple[Para, ...]:
    """Return what the result pane says while there is no task."""
    return _said(
        "Nothing has been asked of the stack yet.",
        ("comes", "each goal (/do in Chat, aistack-console run), and each key that changes a container"),
        ("then", "here stands who asked, what was proposed, who approved it and what it gave back"),
    )


def audit(text: str) -> tuple[Para, ...]:
    """Return what the record pane says while no record is listed."""
    if text:
        return _said(f"No record contains {text}.", ("esc", "shows every record again"))
    return _said(
        "No record has come yet.",
        ("comes", "every wish, decision, start and outcome, by a person, an agent or the backend itself"),
        ("then", "here stands the record in full, and the hashes that chain it to the one before"),
        ("v", "checks the whole chain"),
    )


def services(fleet: Fleet, view: View, now: float) -> tuple[Para, ...]:
    """Return why the list of services is empty: a source at fault, a filter, or no container at all."""
    if fleet.source.state is not SourceState.OK:
        return fault(fleet.source, now)
    if fleet.containers:
        by = f"the filter {view.text} (esc clears it)" if view.text else "A, which hides stopped ones"
        return _said(f"None of {len(fleet.containers)} containers is shown.", ("hidden", f"by {by}"))
    return _said(
        "Podman answers and has no containers.",
        ("comes", "each container of this Podman, at the moment it is created, whoever creates it"),
        ("try", "podman run -d --name web -p 8080:80 IMAGE"),
        ("then", "here stand its health, logs, usage, environment and events"),
    )


def fault(source: Source, now: float) -> tuple[Para, ...]:
    """Return what is wrong with a source, what was tried, and what would mend it, one a line."""
    rows = (("said", source.detail), ("tried", source.tried), ("fix", source.hint))
    since = "has never answered" if source.last_ok is None else f"has not answered for {span(now - source.since)}"
    head = para((f"{source.name} is {source.state.value}: it {since}.", "bad"))
    return (head, GAP, *(fact(name, text) for name, text in rows if text))


def machine(fleet: Fleet | None, group: str, now: float) -> tuple[Para, ...]:
    """Return how another machine is reached and is doing, when ``group`` is the name of its group; else nothing."""
    for host in fleet.hosts if fleet else ():
        if group == f"{HOST}{host.name}":
            if host.source.state is not SourceState.OK:
                return (*fault(host.source, now), GAP)
            return (para(("OK ", "ok"), f"for {span(now - host.source.since)}"), fact("reached", host.address), GAP)
    return ()


def chat(answers: bool) -> tuple[Para, ...]:
    """Return what can be asked, while a session has no message."""
    model = "anything: it runs on this machine, nothing leaves it" if answers else "anything, once it is ready"
    return _said(
        "Ask the local model, or give the stack a goal.",
        ("ask", model),
        ("/do", "a goal, e.g. /do restart web   (! is the same: !restart web)"),
        ("then", "an agent proposes one action; a person decides it in Approvals"),
        ("keys", "enter sends, ^j begins a line, esc leaves, up brings the last back"),
    )


def checklist() -> tuple[Para, ...]:
    """Return what the checklist says while it has no line."""
    return _said(
        "There is no criterion to check.",
        ("comes", "each success criterion and smoke test of the stack in use"),
        ("r", "runs them all"),
    )


def routes() -> tuple[Para, ...]:
    """Return what the routes screen says while nothing was asked."""
    return _said(
        "Nothing was asked yet.",
        ("comes", "each question that goes through the coordinator, with its way, its cost and what left for it"),
        ("try", "in a shell: aistack-console route ask What is NixOS?"),
    )


def boot() -> tuple[Para, ...]:
    """Return what the boot director says while nothing was brought up or down."""
    return _said(
        "Nothing was brought up or down yet.",
        ("U", "chooses a set of services and shows its plan before anything is asked"),
        ("or", "aistack-console up minimal --wait"),
        ("then", "here stands how far each service is, against what it took before, and what it waits for"),
    )


def stack(found: Stack | None, now: float) -> tuple[Para, ...]:
    """Return why there is no stack to show: its file cannot be read, or none was named."""
    if found is not None and found.source.state is not SourceState.OK:
        return fault(found.source, now)
    return _said(
        "No stack is known.",
        ("comes", "each service that a Compose file declares, whether or not it runs"),
        ("try", "aistack-console --stack FILE, or [stack] file in the config"),
        ("then", "here stands what each service needs, who needs it, and whose fault is felt where"),
    )
