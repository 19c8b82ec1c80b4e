"""``alerts``, ``alerts rules``, ``alerts ack N``, ``alerts snooze N MINUTES``."""

from __future__ import annotations

import time

from aistack_backend.wire.alerts import AlertList
from aistack_console.present import alerts as words
from aistack_console.text import plain
from aistack_console.verbs.context import Context, VerbError, columns, fields
from aistack_console.verbs.exits import Exit


def run(context: Context) -> Exit:
    """Print them, or say something to one."""
    chosen = context.arguments
    if chosen.what in ("ack", "snooze"):
        return _say(context)
    if chosen.number is not None or chosen.minutes is not None:
        raise VerbError(Exit.USAGE, f"alerts {chosen.what} takes no number.", "Write alerts ack N.")
    found = context.with_backend(lambda client: client.alerts())
    show = rules if chosen.what == "rules" else inbox
    context.show(found, lambda: show(found, time.time()))
    return Exit.OK


def inbox(found: AlertList, now: float) -> str:
    """Return the inbox for a person."""
    parts = [words.heading(found, now), *(plain(line) for line in words.warnings(found))]
    if found.alerts:
        parts += ["", columns(words.TITLES, [words.row(one, now) for one in found.alerts])]
    return "\n".join(parts)


def rules(found: AlertList, now: float) -> str:
    """Return every rule and target for a person; a rule that cannot fire says so."""
    parts = [words.heading(found, now), *(plain(line) for line in words.warnings(found))]
    parts += ["", columns(words.RULE_TITLES, [words.rule_row(one, now) for one in found.rules])]
    if found.targets:
        parts += ["", columns(words.TARGET_TITLES, [words.target_row(one, now) for one in found.targets])]
    return "\n".join(parts)


def _say(context: Context) -> Exit:
    chosen = context.arguments
    context.mutate(f"alerts {chosen.what}")
    number, minutes = chosen.number, chosen.minutes
    if number is None:
        raise VerbError(Exit.USAGE, "No alarm is named.", "alerts lists them.")
    if (chosen.what == "snooze") is (minutes is None):
        right = "alerts snooze N MINUTES" if chosen.what == "snooze" else "alerts ack N"
        raise VerbError(Exit.USAGE, f"Write {right}.")
    if minutes is None:
        done = context.with_backend(lambda client: client.acknowledge_alert(number))
    else:
        done = context.with_backend(lambda client: client.snooze_alert(number, minutes))
    context.show(done, lambda: fields(words.facts(done, time.time())))
    return Exit.OK
