"""A service's own health command."""

from __future__ import annotations

from aistack_backend.containers.stack import schema
from aistack_backend.containers.stack.models import HealthDecl
from aistack_backend.containers.stack.place import Place

FORMS = ("CMD", "CMD-SHELL", "NONE")


def health(service: Place) -> HealthDecl | None:
    """Return it; None when there is none, or it is disabled.

    Raises:
        ManifestError: a test that is not right, or times that make no sense.
    """
    place = service.get("healthcheck")
    if place is None:
        return None
    place.mapping(schema.HEALTH, schema.HEALTH_REFUSED)
    off = place.get("disable")
    test = place.get("test")
    if off is not None and off.flag():
        return None
    if test is None:
        raise place.fault("needs test, the command; or disable: true.")
    command = _command(test)
    interval, timeout, retries, start = (place.get(name) for name in ("interval", "timeout", "retries", "start_period"))
    if not command:
        return None
    return HealthDecl(
        command=command,
        interval=_positive(interval, 30.0),
        timeout=_positive(timeout, 30.0),
        retries=retries.whole(1) if retries else 3,
        start_period=start.seconds() if start else 0.0,
    )


def _command(test: Place) -> tuple[str, ...]:
    if not isinstance(test.value, list):
        return ("sh", "-c", test.text())
    words = test.texts()
    if not words or words[0] not in FORMS:
        raise test.fault("must begin with CMD, CMD-SHELL or NONE, or be one text for the shell.")
    if words[0] == "NONE":
        return ()
    if len(words) < 2 or (words[0] == "CMD-SHELL" and len(words) > 2):
        raise test.fault("CMD is followed by a program and its arguments, CMD-SHELL by one text for the shell.")
    return ("sh", "-c", words[1]) if words[0] == "CMD-SHELL" else words[1:]


def _positive(place: Place | None, default: float) -> float:
    if place is None:
        return default
    found = place.seconds()
    if found <= 0:
        raise place.fault("must be longer than no time.")
    return found
