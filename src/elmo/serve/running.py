"""An application on an address of this machine, until Ctrl-C."""

from __future__ import annotations

import contextlib
import errno
import socket
from collections.abc import Callable

import uvicorn
from starlette.applications import Starlette

_LAST_ANSWERS = 10  # seconds that requests may still take after Ctrl-C
_IDLE = 15  # seconds until a connection that asks nothing is closed
_WORDS = {
    errno.EADDRINUSE: "is taken; name another port (--port), or 0 for a free one",
    errno.EACCES: "may not be used by you; name a port from 1024 on (--port)",
    errno.EADDRNOTAVAIL: "is no address of this machine; name one that is (--host)",
}


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Args:
        host: an address of this machine.
        port: 0 for a free one.

    Raises:
        ValueError: there is no such host, or the port is none.
        OSError: the address cannot be used; says what would do.
    """
    if not 0 <= port < 1 << 16:
        raise ValueError(f"port={port}: must be 0 to 65535")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError:
        raise ValueError(f"host={host!r}: there is no such host; take 127.0.0.1") from None
    family, _, _, _, address = found[0]
    try:
        return socket.create_server(address[:2], family=family, backlog=512)
    except OSError as error:
        what = _WORDS.get(error.errno or 0, f"cannot be used ({error.strerror})")
        raise OSError(f"{host} port {port}: {what}") from None


def address_of(listening: socket.socket) -> str:
    """The address to type into a browser.

    Example:
        >>> with listen("127.0.0.1", 0) as listening:
        ...     address_of(listening) == f"http://127.0.0.1:{listening.getsockname()[1]}/"
        True
    """
    host, port = listening.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        host = "127.0.0.1" if host == "0.0.0.0" else "::1"
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def run(app: Starlette, listening: socket.socket, ready: Callable[[], None] | None = None) -> None:
    """Answer until Ctrl-C or SIGTERM; requests that have come are still answered.

    Args:
        app: what answers.
        listening: where it listens; closed at the end.
        ready: called before it begins.
    """
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        lifespan="on",
        timeout_keep_alive=_IDLE,
        timeout_graceful_shutdown=_LAST_ANSWERS,
    )
    if ready is not None:
        ready()
    with contextlib.closing(listening), contextlib.suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listening])
