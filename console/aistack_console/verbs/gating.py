"""What a verb takes that asks the gate for a person's own action, as data."""

from __future__ import annotations

from aistack_console.verbs.verb import flag

GATE = (
    flag("--yes", help="do not ask; needed where nobody can answer"),
    flag("--code", help="the code that high risk asks for", default=""),
    flag("--name", help="the name that data loss asks for", default=""),
    flag("--wait", help="wait for the end; 0 only when every service of the goal is where it was to be"),
    flag("--timeout", help="seconds to wait for it (default 900)", type=float, default=900.0, metavar="SECONDS"),
)
"""What every verb takes that asks the gate for a person's own action."""
