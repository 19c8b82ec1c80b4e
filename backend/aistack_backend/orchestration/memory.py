"""In-memory adapters of the orchestration's ports: for rehearsals and tests, and the proof that the ports suffice."""

from __future__ import annotations

from collections.abc import Sequence

from aistack_backend.approvals.action import Action
from aistack_backend.approvals.evidence import Evidence
from aistack_backend.errors import BadInput, Unavailable
from aistack_backend.inference.models import Rank, Turn
from aistack_backend.orchestration.names import find
from aistack_backend.wire.actions import Target
from aistack_backend.wire.containers import Container, ContainerState, Fleet
from aistack_backend.wire.models import EngineState, ModelStatus
from aistack_backend.wire.sources import Source, SourceState


class MemoryShips:
    """A fleet that is what it was told to be."""

    def __init__(self, *containers: tuple[str, str]) -> None:
        """Take ``(name, image)`` pairs; ids are made from the position."""
        self.containers = tuple(
            Container(id=f"{number:064x}", name=name, image=image, state=ContainerState.RUNNING, managed=True)
            for number, (name, image) in enumerate(containers, start=0xAB00)
        )

        self.states: list[SourceState] = []
        """How the source is doing at the next looks; OK when the list is empty."""

    def fleet(self) -> Fleet:
        """Return them."""
        state = self.states.pop(0) if self.states else SourceState.OK
        detail = "" if state is SourceState.OK else "Podman is asleep."
        source = Source(name="memory", state=state, since=1.0, detail=detail)
        return Fleet(at=1.0, source=source, containers=self.containers)


class MemoryPreparer:
    """Prepares ``note.*`` without a target, and anything else on a container of its ships."""

    def __init__(self, ships: MemoryShips) -> None:
        self._ships = ships

    def prepare(
        self, kind: str, target: str, script: str = "", requester: str = "", task_id: int = 0
    ) -> tuple[Action, Evidence]:
        """Resolve and pin.

        Raises:
            NotFound, BadInput: the target.
        """
        if kind.startswith("note."):
            if not script:
                raise BadInput("There is nothing to note.", "Give a text.")
            return _action(kind, script, (), requester, task_id), Evidence(title=f"note {script}", managed=True)
        found = find(target, self._ships.containers)
        pinned = Target(type="container", id=found.id, name=found.name)
        title = f"{kind.partition('.')[2]} container {found.name}"
        return _action(kind, script, (pinned,), requester, task_id), Evidence(title=title, managed=True)


class MemoryModel:
    """A model that gives prepared answers, one after the other, then none."""

    def __init__(self, *answers: str, state: EngineState = EngineState.READY) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[Sequence[Turn], str]] = []
        """Every prompt and schema it was given."""
        self._state = state

    def status(self) -> ModelStatus:
        """Return a ready model named ``memory``."""
        return ModelStatus(engine=self._state, since=1.0, model="memory")

    async def choose(self, messages: Sequence[Turn], schema: str, max_tokens: int, *, rank: Rank = Rank.AGENT) -> str:
        """Return the next answer.

        Raises:
            Unavailable: no answer is left.
        """
        self.asked.append((messages, schema))
        if not self.answers:
            raise Unavailable("The model has nothing left to say.")
        return self.answers.pop(0)


def _action(kind: str, script: str, targets: tuple[Target, ...], requester: str, task_id: int) -> Action:
    return Action(kind=kind, script=script, targets=targets, requester=requester, task_id=task_id)
