"""``exec``: a command in the container ends with the wanted code and says the wanted words."""

from __future__ import annotations

from collections.abc import Mapping

from aistack_backend.audit.redact import shortened
from aistack_backend.containers.ladder.probes.finding import Finding, Options, Reach
from aistack_backend.containers.ladder.probes.options import TEXT, Key
from aistack_backend.containers.secrets import scrub_text

KEYS: Mapping[str, Key] = {"command": Key((str, list), required=True), "code": Key((int,)), "contains": TEXT}
"""A ``command`` that is one text is run by ``sh -c``."""
SAID = 160


def run(options: Options, reach: Reach) -> Finding:
    """Run it, and compare."""
    command = options["command"]
    words = ("sh", "-c", command) if isinstance(command, str) else tuple(str(word) for word in command)
    wanted = int(options.get("code", 0))
    result = reach.exec(words, reach.seconds)
    said = (result.out + b"\n" + result.err).decode("utf-8", "replace")
    short = shortened(scrub_text(" ".join(said.split())), SAID)
    if result.exit_code == 127 and wanted != 127:
        return Finding(ok=False, evidence=f"There is no command {words[0]} in it.", next_step="Look at its image.")
    if result.exit_code != wanted:
        evidence = f"{words[0]} ends with {result.exit_code}: {short or 'it says nothing'}"
        return Finding(ok=False, evidence=evidence, next_step="Read its log.")
    if (text := options.get("contains")) is not None and str(text) not in said:
        evidence = f"{words[0]} does not say {text!r}, but: {short or 'nothing'}"
        return Finding(ok=False, evidence=evidence, next_step="Read its log.")
    return Finding(ok=True, evidence=f"{words[0]} ends with {result.exit_code}.")
