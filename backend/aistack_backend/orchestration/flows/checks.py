"""What can be wrong between the steps of a workflow: unknown names, missing arguments, steps that wait in a circle."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from aistack_backend.containers.stack.place import ManifestError, Place, nearest
from aistack_backend.orchestration.flows import asks
from aistack_backend.orchestration.flows.models import FlowDecl, Kind, StepDecl
from aistack_backend.orchestration.flows.templates import Template


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a file may name that is not in it."""

    actions: Collection[str] = ()
    engines: Collection[str] = ()
    workflows: Mapping[str, FlowDecl | None] = field(default_factory=dict)
    """The other workflows; None = its file has faults of its own."""


def check(flow: FlowDecl, root: Place, places: Mapping[str, Place], known: Known) -> Iterator[ManifestError]:
    """Yield every fault that needs more than one place to be seen."""
    for engine in flow.engines:
        if engine not in known.engines:
            yield _engine(root.at("engines"), engine, known)
    for step in flow.steps.values():
        place = places[step.id]
        yield from _needs(step, place, places)
        yield from _what(step, place, known)
        for key, template in (("", step.what), *step.arguments.items()):
            at = place.at(step.kind.value) if not key else _argument(place, key)
            yield from _names(flow, template, at, places)
        if step.when is not None and (at_if := place.get("if")):
            yield from _names(flow, Template((step.when,)), at_if, places)
    for name, template in flow.outputs.items():
        yield from _names(flow, template, root.at("outputs", name), places)
    yield from _circles(flow, places)


def _needs(step: StepDecl, place: Place, known: Collection[str]) -> Iterator[ManifestError]:
    at = place.get("needs")
    named = at.value if at and isinstance(at.value, list) else [at.value] if at else []
    for one in named:
        if at is not None and str(one) not in known:
            yield at.fault(f"names the step {one!r}; {nearest(str(one), known)}")


def _what(step: StepDecl, place: Place, known: Known) -> Iterator[ManifestError]:
    fixed = step.what.fixed
    at = place.at(step.kind.value)
    if step.kind is Kind.ACTION and fixed is not None and fixed not in known.actions:
        yield at.fault(f"is {fixed!r}, which is no action; {nearest(fixed, known.actions)}")
    if step.engine and step.engine not in known.engines:
        yield _engine(place.at("engine"), step.engine, known)
    if step.kind is Kind.READ:
        yield from _read(step, place, fixed)
    if step.kind is Kind.WORKFLOW:
        yield from _called(step, place, fixed, known)


def _read(step: StepDecl, place: Place, fixed: str | None) -> Iterator[ManifestError]:
    at = place.at("read")
    if fixed is None:
        yield at.fault("must be a plain word.")
    elif fixed not in asks.READS:
        yield at.fault(f"is {fixed!r}, which cannot be read; {nearest(fixed, asks.READS)}")
    else:
        kind = asks.READS[fixed]
        yield from _given(step, place, kind.needed, kind.needed | kind.optional, fixed)


def _called(step: StepDecl, place: Place, fixed: str | None, known: Known) -> Iterator[ManifestError]:
    at = place.at("workflow")
    if fixed is None:
        yield at.fault("must be a plain word.")
    elif fixed not in known.workflows:
        yield at.fault(f"is {fixed!r}, which is no workflow; {nearest(fixed, known.workflows)}")
    elif (called := known.workflows[fixed]) is not None:
        needed = frozenset(one.name for one in called.inputs.values() if one.default is None)
        yield from _given(step, place, needed, frozenset(called.inputs), fixed)


def _given(
    step: StepDecl, place: Place, needed: frozenset[str], possible: frozenset[str], name: str
) -> Iterator[ManifestError]:
    at = place.get("with") or place
    for key in step.arguments:
        if key not in possible:
            yield at.at(key).fault(f"is nothing that {name} takes; {nearest(key, possible)}")
    for key in sorted(needed - set(step.arguments)):
        yield at.fault(f"does not say {key}, which {name} needs.")


def _names(flow: FlowDecl, template: Template, place: Place, steps: Collection[str]) -> Iterator[ManifestError]:
    for path in template.names():
        if path[0] == "inputs":
            if path[1] not in flow.inputs or len(path) > 2:
                yield place.fault(f"uses {'.'.join(path)}; {nearest(path[1], flow.inputs)}")
        elif path[1] not in steps:
            yield place.fault(f"uses {'.'.join(path)}; {nearest(path[1], steps)}")
        elif path[1] not in flow.steps:
            continue  # it has a fault of its own
        elif len(path) > 2 and (fields := _fields(flow, flow.steps[path[1]])) and path[2] not in fields:
            yield place.fault(f"uses {'.'.join(path)}; {nearest(path[2], fields)}")


def _fields(flow: FlowDecl, step: StepDecl) -> frozenset[str]:
    """Return what a step's result holds; empty = that is only known when it ended."""
    if step.kind is Kind.WORKFLOW:
        return frozenset()
    if step.kind is Kind.PARALLEL:
        return asks.ALWAYS | frozenset(step.members)
    if step.kind is Kind.READ:
        kind = asks.READS.get(step.what.fixed or "")
        return asks.ALWAYS | kind.fields if kind else frozenset()
    return asks.ALWAYS | asks.FIELDS[step.kind]


def _circles(flow: FlowDecl, places: Mapping[str, Place]) -> Iterator[ManifestError]:
    """Yield one fault for each circle of steps that wait for one another."""
    done: set[str] = set()
    for start in flow.steps:
        trail: list[str] = []
        if start not in done and (circle := _walk(flow, start, trail, done)):
            yield places[circle[0]].fault(f"waits for itself: {' → '.join((*circle, circle[0]))}.")


def _walk(flow: FlowDecl, step: str, trail: list[str], done: set[str]) -> list[str]:
    if step in trail:
        return trail[trail.index(step) :]
    if step in done or step not in flow.steps:
        return []
    trail.append(step)
    for needed in flow.steps[step].needs:
        if found := _walk(flow, needed, trail, done):
            done.update(trail)
            return found
    trail.pop()
    done.add(step)
    return []


def _argument(place: Place, key: str) -> Place:
    return place.at("with", key) if place.get("with") and key in place.value["with"] else place.at(key)


def _engine(place: Place, name: str, known: Known) -> ManifestError:
    return place.fault(f"names the engine {name!r}, which is not known; {nearest(name, known.engines)}")
