"""How ssh is called for a tunnel, and what its complaints mean.

No file of ssh's own configuration is read: the address that is shown and approved is the machine that is reached.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aistack_backend.wire.hosts import HostConfig
from aistack_backend.wire.sources import SourceState

OPTIONS = (
    "BatchMode=yes",
    "StrictHostKeyChecking=yes",
    "UpdateHostKeys=no",
    "PasswordAuthentication=no",
    "KbdInteractiveAuthentication=no",
    "ExitOnForwardFailure=yes",
    "StreamLocalBindUnlink=yes",
    "StreamLocalBindMask=0177",
    "ConnectTimeout=10",
    "ServerAliveInterval=5",
    "ServerAliveCountMax=3",
    "ControlMaster=no",
    "ControlPath=none",
    "ForwardAgent=no",
    "ForwardX11=no",
    "PermitLocalCommand=no",
    "Tunnel=no",
    "LogLevel=INFO",
)
"""Never a question, never an unknown key, nothing forwarded but the one socket, no connection that others share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """How something is doing, in one sentence, and what would mend it."""

    state: SourceState
    detail: str
    hint: str = ""


def arguments(host: HostConfig, local: str) -> tuple[str, ...]:
    """Return the command that makes ``local`` (a path with a slash in it, below the folder that it is run in) lead to
    the socket of ``host``, and runs nothing there."""
    options = list(OPTIONS)
    if host.known_hosts:
        options += [f'UserKnownHostsFile="{host.known_hosts}"', "GlobalKnownHostsFile=/dev/null"]
    if host.identity:
        options.append("IdentitiesOnly=yes")
    words = ["ssh", "-F", "none", "-N", "-T"]
    for option in options:
        words += ["-o", option]
    words += ["-i", host.identity] if host.identity else []
    words += ["-L", f"{local}:{host.socket}", "-p", str(host.port), "-l", host.user, "--", host.host]
    return tuple(words)


def login(host: HostConfig) -> str:
    """Return ``user@host:port``."""
    return host.address.removeprefix("ssh://").removesuffix(host.socket)


def meaning(lines: Sequence[str], host: HostConfig, code: int) -> Said:
    """Return what the last words of an ssh that ended with ``code`` mean (negative: the signal that ended it)."""
    text = "\n".join(lines)
    for pattern, told in _MEANINGS:
        if found := re.search(pattern, text):
            return told(host, found)
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
    said = f"The tunnel to {host.name} ended {how}" + (f": {last.rstrip('.')}." if last else ".")
    return Said(state=SourceState.FAILED, detail=said, hint="It is made again by itself.")


def blocked(lines: Sequence[str], host: HostConfig) -> Said | None:
    """Return why the machine did not lead us to its socket, when ssh's last words tell that it did not."""
    failed = [line for line in lines if "open failed:" in line]
    if not failed:
        return None
    if "prohibited" in failed[-1]:
        said = f"{login(host)} does not let us reach a socket through ssh."
        return Said(
            state=SourceState.REFUSED, detail=said, hint="Set AllowStreamLocalForwarding yes in its sshd_config."
        )
    said = f"On {host.name} there is no socket {host.socket} that lets {host.user} in."
    start = f"systemctl {'' if host.user == 'root' else '--user '}enable --now podman.socket"
    return Said(state=SourceState.REFUSED, detail=said, hint=f"There: {start}; or set hosts.{host.name}.socket.")


Told = Callable[[HostConfig, re.Match[str]], Said]


def _refused(detail: str, hint: str) -> Told:
    return lambda host, _: _filled(host, SourceState.REFUSED, detail, hint)


def _filled(host: HostConfig, state: SourceState, detail: str, hint: str) -> Said:
    words = {
        "login": login(host),
        "name": host.name,
        "host": host.host,
        "port": host.port,
        "user": host.user,
        "known": host.known_hosts or "~/.ssh/known_hosts",
        "identity": host.identity or "of ssh",
    }
    return Said(state=state, detail=detail.format(**words), hint=hint.format(**words))


def _silent(host: HostConfig, _: re.Match[str]) -> Said:
    hint = "See whether that machine is up and the network leads there; it is tried again by itself."
    return _filled(host, SourceState.HANGING, "{login} does not answer.", hint)


_MEANINGS: tuple[tuple[str, Told], ...] = (
    (
        r"has changed and you have requested strict checking|Offending .* key in",
        _refused(
            "{login} shows another host key than the known one: it may not be that machine.",
            "Find out why first. Only then take the old key out of {known} and put the new one in.",
        ),
    ),
    (
        r"host key is known for|Host key verification failed",
        _refused(
            "The host key of {login} is not known here, and an unknown key is never taken.",
            "ssh-keyscan -p {port} {host} shows it: compare it with the machine's own, then add it to {known}.",
        ),
    ),
    (
        r"Identity file .* not accessible|Load key .*:",
        _refused("The key file {identity} cannot be read.", "Set hosts.{name}.identity to the private key."),
    ),
    (
        r"Permission denied|Too many authentication failures|no mutual signature",
        _refused(
            "{login} does not take our key.",
            "Add its public half to ~/.ssh/authorized_keys of {user} there, or set hosts.{name}.identity.",
        ),
    ),
    (
        r"Connection refused",
        _refused("No ssh server listens on {login}.", "Start sshd there, or mend the port in hosts.{name}.ssh."),
    ),
    (
        r"Could not resolve hostname",
        lambda host, _: _filled(
            host, SourceState.ABSENT, "There is no machine called {host}.", "Mend its name in hosts.{name}.ssh."
        ),
    ),
    (r"timed out|No route to host|Network is unreachable|not responding", _silent),
    (
        r"unix_listener: (?P<why>.*)|Could not request local forwarding",
        lambda host, _: _filled(
            host, SourceState.FAILED, "The tunnel's own socket cannot be made.", "See that the data folder is yours."
        ),
    ),
)
"""What is looked for in ssh's words, first match wins, and how it is told."""
