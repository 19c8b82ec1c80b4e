"""``ask``: one question about the stack or anything else, answered as it comes, with what was read for it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from aistack_backend.wire.chat import Chunk, Cite, Finish, SayRequest
from aistack_console.client.api import Client
from aistack_console.present.units import clock
from aistack_console.text import plain
from aistack_console.verbs.context import Context, VerbError, to_json
from aistack_console.verbs.exits import Exit


def run(context: Context) -> Exit:
    """Print the answer; FAILED when it broke off."""
    text = sys.stdin.read() if context.arguments.question == "-" else context.arguments.question
    if not text.strip():
        raise VerbError(Exit.USAGE, "The question is empty.")

    async def job(client: Client) -> Chunk | None:
        last = None
        async for last in client.say(SayRequest(text=text, ask=True)):
            print(to_json(last, indent=None) + "\n" if context.json else plain(last.text, "drop"), end="", flush=True)
        return last

    last = context.with_backend(job)
    if not context.json:
        print()
        for line in _read(last.cites if last else ()):
            print(line)
    if last is None or last.finish is None:
        raise VerbError(Exit.FAILED, "The answer broke off.")
    if last.finish is Finish.ERROR:
        raise VerbError(Exit.FAILED, last.detail or "The model failed.")
    return Exit.OK


def _read(cites: Sequence[Cite]) -> Iterator[str]:
    """Yield what was read for the answer and when, apart from what anybody said."""
    if cites:
        yield "\nRead for it:"
    for cite in cites:
        yield f"[{cite.number}] {plain(cite.what)}, at {clock(cite.at)}"
