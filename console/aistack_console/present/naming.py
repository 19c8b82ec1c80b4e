"""Everything that a message can name, from what the console knows."""

from __future__ import annotations

from typing import Protocol

from aistack_backend.wire.chat import PersonaList
from aistack_backend.wire.containers import Fleet
from aistack_backend.wire.models import ModelStatus
from aistack_backend.wire.stack import Stack
from aistack_backend.wire.tasks import TaskList
from aistack_console.present.completing import Names


class Known(Protocol):
    """What is known; None = not read yet."""

    @property
    def stack(self) -> Stack | None:
        """The services."""
        ...

    @property
    def fleet(self) -> Fleet | None:
        """The containers."""
        ...

    @property
    def tasks(self) -> TaskList | None:
        """The newest tasks."""
        ...

    @property
    def model(self) -> ModelStatus | None:
        """The engine and its models."""
        ...


def names(known: Known, personas: PersonaList | None) -> Names:
    """Return the names with what each is."""
    stack, fleet, tasks, model = known.stack, known.fleet, known.tasks, known.model
    return Names(
        services=tuple((one.id, one.state.value) for one in stack.services) if stack else (),
        containers=tuple((one.full_name, one.state.value) for one in fleet.containers) if fleet else (),
        tasks=tuple((str(one.id), f"{one.state.value}: {one.goal}") for one in tasks.tasks) if tasks else (),
        personas=tuple((one.name, one.system) for one in personas.personas) if personas else (),
        models=tuple((one.id, one.name) for one in model.cards if one.path) if model else (),
    )
