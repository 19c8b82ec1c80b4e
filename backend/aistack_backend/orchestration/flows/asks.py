"""The keys that each kind of step takes, and what its result holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aistack_backend.orchestration.flows.models import Kind

TOP = frozenset({"title", "about", "engines", "inputs", "steps", "outputs"})
INPUT = frozenset({"type", "default", "about", "choices"})
COMMON = frozenset({"needs", "if", "on_denied", "on_failed"})
ARGUMENTS: Mapping[Kind, frozenset[str]] = {
    Kind.ACTION: frozenset({"target", "script"}),
    Kind.ASK: frozenset({"engine", "system", "tokens", "otherwise"}),
    Kind.READ: frozenset({"with"}),
    Kind.WORKFLOW: frozenset({"with"}),
    Kind.PARALLEL: frozenset(),
}
ALWAYS = frozenset({"state", "text", "why"})
"""What every step's result holds: how it ended, what came of it, and one sentence on why it ended so."""
FIELDS: Mapping[Kind, frozenset[str]] = {
    Kind.ACTION: frozenset({"task"}),
    Kind.ASK: frozenset({"engine", "model"}),
}
"""What a step's result holds besides. Of a read see ``READS``; a workflow's are its outputs, a group's its steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadKind:
    """One thing that can be read."""

    about: str
    needed: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()
    fields: frozenset[str] = frozenset()


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


READS: Mapping[str, ReadKind] = {
    "stack": ReadKind(
        about="services (none = all), their ladders climbed now; within: seconds to wait until all are well",
        optional=_words("services within"),
        fields=_words("well bad"),
    ),
    "service": ReadKind(
        about="one service, rung by rung with its evidence, climbed now; within: seconds to wait until it is well",
        needed=_words("service"),
        optional=_words("within"),
        fields=_words("well service_state container next_step root_cause provision"),
    ),
    "logs": ReadKind(
        about="the last lines of a container's log",
        needed=_words("container"),
        optional=_words("lines"),
        fields=_words("errors"),
    ),
    "host": ReadKind(about="processor, memory and disks of this machine"),
    "plan": ReadKind(
        about="what bringing services up would do now", optional=_words("goal"), fields=_words("problems creates")
    ),
    "backups": ReadKind(about="the backups on disk, newest first", fields=_words("latest count")),
    "diff": ReadKind(
        about="what a patch changes, and what in it the rules find worth a look",
        needed=_words("patch"),
        fields=_words("files added removed findings"),
    ),
    "lookup": ReadKind(
        about="an answer without a model, where one of the rules knows the question",
        needed=_words("question"),
        fields=_words("found"),
    ),
    "proposal": ReadKind(
        about="the one action that the agent proposes for a goal; nothing of it runs",
        needed=_words("goal"),
        optional=_words("planner"),
        fields=_words("action target script planner"),
    ),
}
"""What can be read, by name."""
