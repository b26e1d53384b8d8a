"""Who may ask: the names that the server has, its own page, bodies of a bounded size.

A page of another site cannot read an answer of this server, for the browser keeps it from doing so. It
could post, and it could give its own name a new address, 127.0.0.1 ("DNS rebinding"), and then read
everything. So the Host header must be a name that is ours, and an Origin header must be the same name.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from elmo.serve.refusing import JSON, refusal

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    )
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_FOREIGN = ("cross-site", "same-site")


class Guard:
    """Middleware: refuses foreign hosts and origins and large bodies, and adds the headers.

    Args:
        app: what is guarded.
        hosts: names that the server has, without ports.
        any_address: take every IP address as its name: a rebound name is never one.
        body: bytes of a request's body, at most.
    """

    def __init__(
        self,
        app: ASGIApp,
        hosts: Collection[str] = LOOPBACK,
        any_address: bool = False,
        body: int = 1 << 16,
    ) -> None:
        self.app, self.body, self.any_address = app, body, any_address
        self.hosts = frozenset(host.lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        headers = Headers(scope=scope)
        said = self.objection(scope["method"], scope["path"], headers)
        if said is not None:
            await refusal(*said)(scope, receive, with_headers)
            return
        read = await _whole_body(receive, self.body)
        if read is None:
            sentence = f"the request is larger than {self.body:,} bytes; send less"
            await refusal(413, sentence, {"Connection": "close"})(scope, receive, with_headers)
            return
        await self.app(scope, _again(read, receive), with_headers)

    def objection(self, method: str, path: str, headers: Headers) -> tuple[int, str] | None:
        """A status and a sentence where a request may not be answered."""
        given = headers.getlist("host")
        host = given[0] if len(given) == 1 else ""
        if not self._ours(name_of(host)):
            return (
                403,
                "this server does not have the name by which it was asked (elmo serve --allow)",
            )
        origin = headers.get("origin")
        if origin is not None and urlsplit_host(origin) != host.lower():
            return 403, "another site's page may not ask this server"
        if path.startswith("/api") and headers.get("sec-fetch-site") in _FOREIGN:
            return 403, "another site's page may not ask this server"
        if method == "POST":
            kind = headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind != JSON:
                return 415, f"the body must be JSON, with Content-Type: {JSON}"
            length = headers.get("content-length", "0")
            if not (length.isascii() and length.isdigit()) or int(length) > self.body:
                return 413, f"the request is larger than {self.body:,} bytes; send less"
        return None

    def _ours(self, name: str) -> bool:
        if name in self.hosts:
            return True
        return self.any_address and _is_address(name)


def name_of(host: str) -> str:
    """The name in a Host header, in lower case and without its port.

    Example:
        >>> name_of("LocalHost:8017"), name_of("[::1]:8017"), name_of("[::1]")
        ('localhost', '::1', '::1')
    """
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    name, _, port = host.partition(":")
    return name if not port or port.isdigit() else ""


def urlsplit_host(origin: str) -> str:
    """Host and port of an origin, `""` where it is none.

    Example:
        >>> urlsplit_host("http://127.0.0.1:8017"), urlsplit_host("null")
        ('127.0.0.1:8017', '')
    """
    try:
        parts = urlsplit(origin)
        return parts.netloc.lower() if parts.scheme in ("http", "https") else ""
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


async def _whole_body(receive: Receive, most: int) -> list[Message] | None:
    """The messages of a request, None where there is more than may be."""
    messages: list[Message] = []
    size = 0
    while True:
        message = await receive()
        messages.append(message)
        if message["type"] != "http.request":
            return messages
        size += len(message.get("body", b""))
        if size > most:
            return None
        if not message.get("more_body", False):
            return messages


def _again(messages: list[Message], receive: Receive) -> Receive:
    """Messages that were read already, and then what comes."""
    waiting = list(messages)

    async def give() -> Message:
        return waiting.pop(0) if waiting else await receive()

    return give
