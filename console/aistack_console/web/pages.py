"""The dashboard's few pages. All text from outside is escaped; nothing is loaded from another site."""

from __future__ import annotations

import time
from html import escape

from aistack_backend.wire.containers import Container, Fleet
from aistack_backend.wire.sources import SourceState
from aistack_backend.wire.stack import Stack
from aistack_console.present.units import span

STYLE = (
    "body{background:#101418;color:#dde3ea;font:15px/1.5 monospace;margin:2rem}"
    "td,th{padding:0 1.5rem 0 0;text-align:left}"
)

TERMINAL = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>aistack-console</title>
<link rel="stylesheet" href="/static/css/xterm.css"><script src="/static/js/textual.js"></script>
<style>html,body{{margin:0;height:100%;background:#101418;color:#dde3ea;font:15px monospace}}
#terminal{{height:100%}} #ended{{display:none;padding:2rem}} body.-closed #ended{{display:block}}</style></head>
<body><p id="ended">The session has ended. Reload this page to begin another.</p>
<div id="terminal" class="textual-terminal" data-session-websocket-url="{socket}" data-font-size="15"></div>
</body></html>
"""
"""What ``textual.js`` needs: an element of this class with the address of the WebSocket."""

LOGIN = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>aistack-console</title><style>{style}</style></head>
<body><p id="said">Entering …</p><script src="/login.js"></script></body></html>
"""

LOGIN_SCRIPT = """"use strict";
const said = document.getElementById("said");
const token = location.hash.slice(1);
history.replaceState(null, "", "/login");
fetch("/login", {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify({token})})
  .then((answer) => {
    if (answer.ok) location.replace("/");
    else said.textContent = "This link has been used, or is not the newest: run aistack-console dashboard --link.";
  })
  .catch(() => { said.textContent = "The dashboard does not answer."; });
"""
"""The token stands behind the #, which no browser sends: it is in no log and no Referer."""


def terminal(host: str) -> str:
    """Return the page with the console in it; ``host`` is the checked Host header."""
    return TERMINAL.format(socket=escape(f"ws://{host}/ws"))


def login() -> str:
    """Return the page that turns a link's token into a session."""
    return LOGIN.format(style=STYLE)


def overview(stack: Stack | None, fleet: Fleet | None, fault: str, now: float) -> str:
    """Return the page for everybody on this machine: each service, its measured state, and how old that is."""
    rows, measured = _rows(stack, fleet)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    age = "not measured" if measured is None else f"measured {span(max(0.0, now - measured))} ago"
    if fault:
        age = f"unknown: {fault}"
    table = f"<table><tr><th>service</th><th>state</th><th>why</th></tr>{body}</table>" if rows else ""
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now))
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>aistack-console</title>'
        f"<style>{STYLE}</style></head><body><h1>aistack: {len(rows)} services</h1>"
        f"<p>{escape(age)}; this page was made at {when}.</p>{table}"
        f"<p>For the console itself: <code>aistack-console dashboard --link</code></p></body></html>\n"
    )


def _rows(stack: Stack | None, fleet: Fleet | None) -> tuple[list[tuple[str, str, str]], float | None]:
    if stack is not None and stack.services:
        return [(one.container, one.state.value.upper(), one.why) for one in stack.services], stack.at
    if fleet is not None:
        return [(one.full_name, _state(one, fleet), "") for one in fleet.containers], fleet.at
    return [], None


def _state(one: Container, fleet: Fleet) -> str:
    """Return the state; of a machine that does not answer it is not known."""
    known = not one.host or fleet.source_of(one.host).state is SourceState.OK
    return one.state.value.upper() if known else "UNKNOWN"
