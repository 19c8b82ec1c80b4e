"""The ``x-aistack`` block of a service: what Compose has no key for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from aistack_backend.containers.ladder.probes.registry import check_probe
from aistack_backend.containers.stack.models import Extra, HealDecl, MountDecl, ProbeDecl, SecretUse
from aistack_backend.containers.stack.place import Place, nearest
from aistack_backend.containers.stack.schema import each
from aistack_backend.containers.stack.tables import Tables

KEYS = each(
    "title group tiers licence digest role embedded memory_expected ready_seconds data_volumes backup probes heal later"
)
HEAL = frozenset({"restart", "first_wait", "longest_wait", "give_up_after", "window"})
BACKUPS = ("pg_dump", "qdrant", "files", "none")
GROUPS = ("data", "mcp", "orchestration", "ai", "monitoring", "infrastructure", "other")
RUNGS = ("ready", "useful")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
SPDX = re.compile(r"[A-Za-z0-9.+-]+( (AND|OR|WITH) [A-Za-z0-9.+-]+)*")


def extra(
    service: Place, tables: Tables, tiers: Sequence[str], mounts: Sequence[MountDecl], secrets: Sequence[SecretUse]
) -> Extra:
    """Return the block; the defaults when there is none. ``tiers`` are those that the file names, if it names any.

    Raises:
        ManifestError: an unknown key or word, a probe that its kind does not take, or data in no volume of its own.
    """
    place = service.get("x-aistack")
    if place is None:
        return Extra()
    place.mapping(KEYS)
    needed = [*service.value.get("depends_on", ())]
    expected, ready, probes, heal = (place.get(key) for key in ("memory_expected", "ready_seconds", "probes", "heal"))
    return Extra(
        title=_text(place, "title"),
        group=group.one_of(GROUPS) if (group := place.get("group")) else "other",
        tiers=_tiers(place, tiers),
        licence=_shaped(place, "licence", SPDX, "an SPDX expression like Apache-2.0"),
        digest=_shaped(place, "digest", DIGEST, "sha256: and 64 hexadecimal digits"),
        role=_text(place, "role"),
        embedded=_text(place, "embedded"),
        memory_expected=expected.size() if expected else None,
        ready_seconds=ready.seconds() if ready else None,
        data_volumes=_data(place, tables, mounts),
        backup=backup.one_of(BACKUPS) if (backup := place.get("backup")) else "",
        probes=tuple(_probe(entry, secrets, needed) for entry in probes.entries()) if probes else (),
        heal=_heal(heal) if heal else HealDecl(),
        later=_text(place, "later"),
    )


def _text(place: Place, key: str) -> str:
    at = place.get(key)
    return at.text() if at else ""


def _shaped(place: Place, key: str, shape: re.Pattern[str], right: str) -> str:
    at = place.get(key)
    if at is not None and at.value != "" and not shape.fullmatch(at.text()):
        raise at.fault(f"must be {right}, not {at.value!r}.")
    return at.text() if at else ""


def _tiers(place: Place, known: Sequence[str]) -> tuple[str, ...]:
    at = place.get("tiers")
    for entry in at.entries() if at and known else ():
        entry.one_of(known)
    return at.texts() if at else ()


def _data(place: Place, tables: Tables, mounts: Sequence[MountDecl]) -> tuple[str, ...]:
    at = place.get("data_volumes")
    found = []
    for entry in at.entries() if at else ():
        key = entry.text()
        if key not in tables.volumes:
            raise entry.fault(f"names the volume {key!r}; {nearest(key, tables.volumes)} (see the top-level volumes)")
        name = tables.volumes[key].name
        if not any(mount.type == "volume" and mount.source == name for mount in mounts):
            raise entry.fault(f"names the volume {key}, which the service does not mount.")
        found.append(name)
    return tuple(found)


def _probe(place: Place, secrets: Sequence[SecretUse], needed: Sequence[str]) -> ProbeDecl:
    place.mapping()
    options: Mapping[str, object] = {
        key: value for key, value in place.value.items() if key not in ("rung", "kind", "timeout")
    }
    rung, kind, timeout = (place.get(key) for key in ("rung", "kind", "timeout"))
    if rung is None or kind is None:
        raise place.fault("needs rung (ready or useful) and kind.")
    wrong = check_probe(kind.text(), options)
    if wrong:
        raise place.fault(f"is a probe that cannot be made: {wrong}")
    used = [use.source for use in secrets]
    if (secret := place.get("secret")) is not None and secret.text() not in used:
        raise secret.fault(f"names {secret.value!r}, which the service does not use; {nearest(secret.text(), used)}")
    if (behind := place.get("through")) is not None and behind.text() not in needed:
        raise behind.fault(
            f"names {behind.value!r}, on which the service does not depend; {nearest(behind.text(), needed)}"
        )
    seconds = timeout.seconds() if timeout else 5.0
    if timeout is not None and not 0 < seconds <= 300:
        raise timeout.fault("must lie between 0 and 5 minutes.")
    return ProbeDecl(rung=rung.one_of(RUNGS), kind=kind.text(), options=options, timeout=seconds)


def _heal(place: Place) -> HealDecl:
    place.mapping(HEAL)
    usual = HealDecl()
    restart, first, longest, tries, window = (
        place.get(key) for key in ("restart", "first_wait", "longest_wait", "give_up_after", "window")
    )
    found = HealDecl(
        restart=restart.flag() if restart else usual.restart,
        first_wait=first.seconds() if first else usual.first_wait,
        longest_wait=longest.seconds() if longest else usual.longest_wait,
        give_up_after=tries.whole(1, 100) if tries else usual.give_up_after,
        window=window.seconds() if window else usual.window,
    )
    if not 1 <= found.first_wait <= found.longest_wait:
        raise place.fault("needs a first_wait of a second or more, and a longest_wait that is not shorter.")
    return found
