"""``certificate``, ``certificate renew``: what services show over TLS, how long it holds, and a new one."""

from __future__ import annotations

import time
from dataclasses import replace

from aistack_backend.wire.actions import ActionRequest
from aistack_backend.wire.stack import Stack
from aistack_console.client.api import Client
from aistack_console.present.ladder import certificate_words
from aistack_console.verbs import act
from aistack_console.verbs.context import Context, columns
from aistack_console.verbs.exits import Exit


def run(context: Context) -> Exit:
    """Print what is shown, FAILED when one has ended; or ask for a renewal."""
    chosen = context.arguments
    if chosen.what == "renew":
        context.mutate("certificate renew")
        return act.asked(context, ActionRequest(kind="certificate.renew", target=chosen.service))

    async def job(client: Client) -> Stack:
        return await client.stack()

    stack = context.with_backend(job)
    found = tuple(one for one in stack.services if one.certificate_until is not None)
    found = tuple(one for one in found if chosen.service in ("", one.id))
    shown = replace(stack, services=found)
    context.show(shown, lambda: words(shown))
    return Exit.FAILED if any((one.certificate_until or 0) < time.time() for one in found) else Exit.OK


def words(stack: Stack) -> str:
    """Return the certificates for a person."""
    if not stack.services:
        return "No service that runs was seen to show a certificate of ours."
    rows = [(one.id, certificate_words(one, time.time())) for one in stack.services]
    return columns(("SERVICE", "CERTIFICATE"), rows)
