"""A limit of time for a whole exchange on a socket, however slowly the other side drips."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def limited(descriptor: int, seconds: float) -> Iterator[None]:
    """Shut a connected socket down after ``seconds``: whoever reads it then gets an end or an error.

    It holds the connection by a descriptor of its own, so that it works through a TLS layer as well.

    Raises:
        TimeoutError: the time ran out, whatever the block made of it.
    """
    over = threading.Event()
    connection = socket.socket(fileno=os.dup(descriptor))

    def end() -> None:
        over.set()
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    except Exception as error:
        if over.is_set():
            raise TimeoutError(f"no answer within {seconds:g} s") from error
        raise
    finally:
        timer.cancel()
        timer.join()
        connection.close()
    if over.is_set():
        raise TimeoutError(f"no answer within {seconds:g} s")
