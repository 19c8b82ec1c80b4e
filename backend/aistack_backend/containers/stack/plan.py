"""The difference between what is declared and what runs, before anything is done about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import psutil

from aistack_backend.containers.parse import RUNS
from aistack_backend.containers.stack import bound, problems
from aistack_backend.containers.stack import goal as goals
from aistack_backend.containers.stack.models import Condition, Manifest, ServiceDecl
from aistack_backend.containers.stack.spec import CONFIG, FILES, config_hash, ours, wanted
from aistack_backend.containers.stack.world import World
from aistack_backend.wire.boot import Plan, PlanStep, StepKind
from aistack_backend.wire.containers import Container, ContainerState

SHORT = "of memory are missing for what is expected of it"
ACTING = frozenset({StepKind.CREATE, StepKind.RECREATE, StepKind.START})


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What will be done to one service."""

    kind: StepKind
    service: ServiceDecl
    why: str = ""
    container_id: str = ""
    """The container that is there now."""
    image_id: str = ""
    """The image that is here; empty = it must be got first."""
    wanted: str = ""
    """Hash of its declaration and of the files that it mounts."""

    @property
    def pin(self) -> str:
        """What must still be true when it runs: what is wanted, and what is there."""
        return f"do={self.kind} want={self.wanted} of={self.service.image} now={self.container_id or '-'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A whole plan; service steps in an order in which each comes after what it needs."""

    verb: str
    goal: str
    steps: tuple[Step, ...] = ()
    networks: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    """What makes it fail."""
    short: int = 0
    """Bytes of memory that are missing for what is expected of it; it may work all the same."""

    def count(self, *kinds: StepKind) -> int:
        """Return how many services get one of these kinds of step."""
        return sum(step.kind in kinds for step in self.steps)

    def images(self) -> tuple[ServiceDecl, ...]:
        """Return one service for each image that must be got first."""
        needy = {s.service.image: s.service for s in self.steps if s.kind in ACTING and not s.image_id}
        return tuple(needy.values())

    def wire(self) -> Plan:
        """Return it as it crosses the socket."""
        made = [
            PlanStep(kind=StepKind.CREATE, object=kind, name=name)
            for kind, names in (("network", self.networks), ("volume", self.volumes), ("secret", self.secrets))
            for name in names
        ]
        got = [
            PlanStep(kind=StepKind.CREATE, object="image", name=one.image, why="to build" if one.build else "to pull")
            for one in self.images()
        ]
        ids = {step.service.id for step in self.steps}
        done = [
            PlanStep(
                kind=step.kind,
                object="service",
                name=step.service.id,
                why=step.why,
                after=tuple(needs.service for needs in step.service.needs if needs.service in ids),
            )
            for step in self.steps
        ]
        return Plan(
            verb=self.verb,
            goal=self.goal,
            steps=(*made, *got, *done),
            problems=(*self.problems, *([f"About {self.short / 2**20:.0f} MiB {SHORT}."] if self.short else [])),
            memory_reserved=sum(expected(step.service) for step in self.steps if step.kind is not StepKind.REMOVE),
            memory_available=psutil.virtual_memory().available,
        )

    def words(self) -> str:
        """Return it for a person, one step a line: what the approval's dialog shows."""
        steps = self.wire().steps
        lines = [f"{one.kind:<9} {one.object} {one.name}{f'  ({one.why})' if one.why else ''}" for one in steps]
        problems = (*self.problems, *([f"Some {SHORT}."] if self.short else []))  # no number: it changes by the second
        return "\n".join([*lines, *(f"PROBLEM   {problem}" for problem in problems)]) or "nothing to do"


def expected(service: ServiceDecl) -> int:
    """Return the bytes of memory that a service is expected to use."""
    return service.extra.memory_expected or service.memory_reserve or 0


def up(manifest: Manifest, goal: str, world: World, *, anew: Mapping[str, str] | None = None) -> Planned:
    """Plan to have the goal's services run as declared; with ``anew`` all of them are made again, but those whose
    container is no longer the one that it names: that was done before.

    Raises:
        BadInput: the goal names something unknown.
    """
    ids = goals.services(manifest, goal, with_needs=anew is None)
    steps = tuple(_step(manifest, manifest.services[key], world, anew) for key in ordered(manifest, ids))
    outer = {one.name for one in manifest.networks.values() if one.external}
    outer |= {one.name for one in manifest.volumes.values() if one.external}
    acting = {step.service.id: step.image_id for step in steps if step.kind in ACTING}
    made = [manifest.services[key] for key in acting]
    return Planned(
        verb="up" if anew is None else "recreate",
        goal=goal,
        steps=steps,
        networks=_missing({name for one in made for name, _ in one.networks} - outer, world.networks),
        volumes=_missing({m.source for one in made for m in one.mounts if m.type == "volume"} - outer, world.volumes),
        secrets=_missing({use.source for one in made for use in one.secrets}, world.secrets),
        problems=tuple(problems.of(manifest, world, [s.service for s in steps], acting)),
        short=max(0, sum(expected(one) for one in made) - psutil.virtual_memory().available),
    )


def down(manifest: Manifest, goal: str, world: World) -> Planned:
    """Plan to stop and remove the goal's containers, what needs others first; volumes stay.

    Raises:
        BadInput: the goal names something unknown.
    """
    ids = goals.services(manifest, goal, with_needs=False)
    steps = []
    for key in reversed(ordered(manifest, ids)):
        service = manifest.services[key]
        found = world.containers.get(service.container)
        if found is not None and ours(manifest, service, found):
            users = [one.id for one in manifest.services.values() if any(n.service == key for n in one.needs)]
            left = [one for one in users if one not in ids and _runs(world, manifest.services[one])]
            why = f"{', '.join(left)} still need{'s' if len(left) == 1 else ''} it" if left else ""
            want = config_hash(service)  # what goes reads no file any more
            steps.append(Step(kind=StepKind.REMOVE, service=service, why=why, container_id=found.id, wanted=want))
    return Planned(verb="down", goal=goal, steps=tuple(steps))


def ordered(manifest: Manifest, ids: tuple[str, ...]) -> tuple[str, ...]:
    """Return the ids so that each comes after what it needs; else in the manifest's order."""
    found: list[str] = []

    def visit(key: str) -> None:
        if key in found:
            return
        for needs in manifest.services[key].needs:
            if needs.service in ids:
                visit(needs.service)
        found.append(key)

    for key in ids:
        visit(key)
    return tuple(found)


def _step(manifest: Manifest, service: ServiceDecl, world: World, anew: Mapping[str, str] | None) -> Step:
    image = world.image(service.image)
    found = world.containers.get(service.container)
    image_id, want = image.id if image else "", wanted(manifest, service)
    if found is None:
        return Step(kind=StepKind.CREATE, service=service, image_id=image_id, wanted=want)
    again = anew is not None and anew.get(service.id, found.id) == found.id
    why = "asked for" if again else difference(manifest, service, found, image_id)
    rests = found.state in RUNS or (service.id in once(manifest) and done(found))
    kind = StepKind.RECREATE if why else StepKind.KEEP if rests else StepKind.START
    if kind is StepKind.START:
        why = f"it is {found.state.value}"
    if not image_id and kind in (StepKind.START, StepKind.KEEP):
        image_id = found.image_id
    return Step(kind=kind, service=service, why=why, container_id=found.id, image_id=image_id, wanted=want)


def difference(manifest: Manifest, service: ServiceDecl, found: Container, image_id: str) -> str:
    """Return how a container differs from its declaration, in a few words; empty = it does not."""
    if found.labels.get(CONFIG) != config_hash(service):
        return "its declaration changed"
    if edited := bound.edited(found.labels.get(FILES), bound.fingerprints(manifest, service)):
        return f"its configuration {', '.join(edited)} changed"
    if image_id and found.image_id != image_id:
        return f"image {found.image_id[:12]} → {image_id[:12]}"
    if found.state is ContainerState.DEAD:
        return "its container is dead"
    return ""


def once(manifest: Manifest) -> frozenset[str]:
    """Return the services that are to run to their end once, because others wait for that."""
    needs = (needs for service in manifest.services.values() for needs in service.needs)
    return frozenset(one.service for one in needs if one.condition is Condition.COMPLETED)


def done(found: Container) -> bool:
    """Tell whether a container ran to a good end."""
    return found.state not in RUNS and found.exit_code == 0 and found.started_at is not None


def _runs(world: World, service: ServiceDecl) -> bool:
    found = world.containers.get(service.container)
    return found is not None and found.state in RUNS


def _missing(wanted: set[str], there: frozenset[str]) -> tuple[str, ...]:
    return tuple(sorted(wanted - there))
