"""Who holds a TCP port of this machine."""

from __future__ import annotations

import errno
import socket

import psutil


def taken(port: int, host: str = "127.0.0.1") -> bool:
    """Tell whether somebody listens there, by trying to bind it; nothing is sent.

    Raises:
        OSError: it could not be tried, e.g. a port below 1024 without the right to bind it.
    """
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return True
            raise
    return False


def holder(port: int) -> str:
    """Return the process that listens on a port, ``nginx (pid 812)``; empty = it cannot be seen from here."""
    for one in psutil.net_connections("tcp"):
        if one.status == psutil.CONN_LISTEN and one.laddr and one.laddr.port == port and one.pid:
            try:
                return f"{psutil.Process(one.pid).name()} (pid {one.pid})"
            except psutil.Error:
                return f"pid {one.pid}"
    return ""
