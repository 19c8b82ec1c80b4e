"""A workflow file to one checked ``FlowDecl``, with every fault of it at once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from aistack_backend.containers.stack.document import parse
from aistack_backend.containers.stack.place import ManifestError, Place, nearest
from aistack_backend.orchestration.flows import asks, expressions, templates
from aistack_backend.orchestration.flows.checks import Known, check
from aistack_backend.orchestration.flows.expressions import Apply, ExpressionFault, Node
from aistack_backend.orchestration.flows.inputs import declared
from aistack_backend.orchestration.flows.models import After, FlowDecl, InputDecl, Kind, StepDecl
from aistack_backend.orchestration.flows.templates import Template

RIGHT = "a workflow is a mapping with the key steps."
ID = re.compile(r"[a-z][a-z0-9_]{0,39}")
NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")
LARGEST = 128 * 1024
"""Characters of a file."""
MOST = 64
"""Steps of a workflow."""


@dataclass(frozen=True, slots=True)
class Read:
    """What a file says: the workflow, or its faults in the order of the file."""

    flow: FlowDecl | None
    faults: tuple[ManifestError, ...] = ()


def read(name: str, text: str, file: str, known: Known) -> Read:
    """Read a file's text; ``file`` is what the faults call it."""
    reader = _Reader(known)
    if len(text) > LARGEST:
        return Read(None, (ManifestError(f"{file}: it is over {LARGEST >> 10} KiB: that is no workflow."),))
    if not NAME.fullmatch(name):
        wrong = f"{file}: {name!r} is no name of a workflow; small letters, digits, _ and - are right."
        return Read(None, (ManifestError(wrong),))
    try:
        root = parse(text, file, None, RIGHT)
    except ManifestError as error:
        return Read(None, (error,))
    flow = reader.flow(name, root)
    faults = tuple(sorted(reader.faults, key=line_of))
    return Read(None if faults else flow, faults)


def line_of(fault: ManifestError) -> int:
    """Return the line that a fault names, 0 when it names none."""
    found = re.search(r":(\d+): ", fault.detail)
    return int(found[1]) if found else 0


class _Reader:
    def __init__(self, known: Known) -> None:
        self._known = known
        self.faults: list[ManifestError] = []
        self._steps: dict[str, StepDecl] = {}
        self._places: dict[str, Place] = {}

    @contextmanager
    def _keep(self) -> Iterator[None]:
        try:
            yield
        except ManifestError as error:
            self.faults.append(error)

    def _keys(self, place: Place, known: frozenset[str]) -> None:
        """Have a fault for every key that is not known."""
        for key in place.mapping().value:
            with self._keep():
                Place({key: None}, place.path, place.where).mapping(known)

    def flow(self, name: str, root: Place) -> FlowDecl:
        """Return the workflow as far as it can be read; what is wrong with it is added to ``faults``."""
        self._keys(root, asks.TOP)
        inputs = self._inputs(root)
        engines = self._engines(root)
        steps = root.get("steps")
        if steps is None:
            self.faults.append(root.fault("has no steps."))
        else:
            self._all(steps, "", (), None)
        outputs = self._outputs(root)
        title, about = self._text(root, "title"), self._text(root, "about")
        flow = FlowDecl(
            name=name, title=title, about=about, engines=engines, inputs=inputs, steps=self._steps, outputs=outputs
        )
        flow = replace(flow, steps={key: _waits(one) for key, one in self._steps.items()})
        self.faults += check(flow, root, self._places, self._known)
        return flow

    def _text(self, place: Place, key: str) -> str:
        with self._keep():
            return at.text() if (at := place.get(key)) else ""
        return ""

    def _engines(self, root: Place) -> tuple[str, ...]:
        with self._keep():
            at = root.get("engines")
            return at.texts() if at else ()
        return ()

    def _inputs(self, root: Place) -> dict[str, InputDecl]:
        found = {}
        with self._keep():
            at = root.get("inputs")
            for key, place in at.items() if at else ():
                with self._keep():
                    if not ID.fullmatch(key):
                        raise place.fault("is no name: small letters, digits and _ are right.")
                    found[key] = InputDecl(name=key)  # what uses it has no fault because it has one
                    if isinstance(place.value, dict):
                        self._keys(place, asks.INPUT)
                    found[key] = declared(key, place)
        return found

    def _outputs(self, root: Place) -> dict[str, Template]:
        found = {}
        with self._keep():
            at = root.get("outputs")
            for key, place in at.items() if at else ():
                with self._keep():
                    if not ID.fullmatch(key):
                        raise place.fault("is no name: small letters, digits and _ are right.")
                    found[key] = _template(place)
        return found

    def _all(self, places: Place, group: str, needs: tuple[str, ...], when: Node | None) -> tuple[str, ...]:
        ids = []
        with self._keep():
            if not places.mapping().value:
                raise places.fault("holds no step.")
            for key, place in places.items():
                with self._keep():
                    if not ID.fullmatch(key):
                        raise place.fault("is no id of a step: small letters, digits and _ are right.")
                    if key in self._places:
                        raise place.fault(f"has the id of another step, {self._places[key].key}.")
                    if len(self._places) >= MOST:
                        raise place.fault(f"is one step too many; {MOST} are allowed.")
                    self._places[key] = place
                    self._one(key, place, group, needs, when)
                    ids.append(key)
        return tuple(ids)

    def _one(self, key: str, place: Place, group: str, needs: tuple[str, ...], when: Node | None) -> None:
        kind = _kind(place)
        self._keys(place, asks.ARGUMENTS[kind] | asks.COMMON | {kind.value})
        needs = (*needs, *self._needs(place))
        own = None
        with self._keep():
            at = place.get("if")
            own = _condition(at) if at else None
        both = Apply("and", (when, own)) if when and own else when or own
        members: tuple[str, ...] = ()
        what = Template(("",))
        if kind is Kind.PARALLEL:
            if group:
                raise place.fault("is a group in a group; one level is right.")
            members = self._all(place.at("parallel"), key, needs, both)
            needs = (*needs, *members)
        else:
            with self._keep():
                what = _template(place.at(kind.value))
        self._steps[key] = StepDecl(
            id=key,
            kind=kind,
            what=what,
            arguments=self._arguments(place, kind),
            needs=needs,
            when=both,
            on_denied=self._after(place, "on_denied"),
            on_failed=self._after(place, "on_failed"),
            group=group,
            members=members,
        )

    def _needs(self, place: Place) -> tuple[str, ...]:
        with self._keep():
            at = place.get("needs")
            if at is None:
                return ()
            return (at.text(),) if isinstance(at.value, str) else at.texts()
        return ()

    def _after(self, place: Place, key: str) -> After:
        with self._keep():
            at = place.get(key)
            return After(at.one_of([one.value for one in After])) if at else After.END
        return After.END

    def _arguments(self, place: Place, kind: Kind) -> Mapping[str, Template]:
        found: dict[str, Template] = {}
        for key in sorted(asks.ARGUMENTS[kind]):
            with self._keep():
                at = place.get(key)
                if at is None:
                    continue
                if key != "with":
                    found[key] = _template(at)
                    continue
                for name, each in at.items():
                    with self._keep():
                        found[name] = _template(each)
        return found


def _kind(place: Place) -> Kind:
    words = [one.value for one in Kind]
    there = [key for key in place.mapping().value if key in words]
    if len(there) > 1:
        raise place.fault(f"is {' and '.join(there)} at once; a step does one thing.")
    if there:
        return Kind(there[0])
    for key in place.value:  # a misspelt one is what is most likely wrong
        if key not in asks.COMMON and (near := nearest(key, words)).startswith("did"):
            raise place.at(key).fault(f"is not a known key; {near}")
    raise place.fault(f"does nothing; a step has one of {', '.join(words)}.")


def _waits(step: StepDecl) -> StepDecl:
    """Have a step wait for everything whose result it uses."""
    used = [path for one in (step.what, *step.arguments.values()) for path in one.names()]
    used += expressions.names(step.when) if step.when else ()
    needs = (*step.needs, *(path[1] for path in used if path[0] == "steps"))
    return replace(step, needs=tuple(dict.fromkeys(needs)))


def _template(place: Place) -> Template:
    """Return a text with expressions; a list or a plain number, true or false stays what it is."""
    try:
        if isinstance(place.value, list):
            return Template((expressions.Fixed(list(place.texts())),))
        if isinstance(place.value, bool | int | float):
            return Template((expressions.Fixed(place.value),))
        return templates.parse(place.text())
    except ExpressionFault as error:
        raise place.fault(error.detail) from error


def _condition(place: Place) -> Node:
    try:
        if isinstance(place.value, bool):
            return expressions.Fixed(place.value)
        return expressions.parse(place.text())
    except ExpressionFault as error:
        raise place.fault(error.detail) from error
