"""The web page of the service: its files, which need no key, and load nothing from elsewhere."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

from voxstack_serve.errors import ApiError

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

PREFIX = "/page/"
"""Where the files of the page are."""

_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}

_POLICY = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


class _Asset(NamedTuple):
    content: bytes
    headers: dict[str, str]


class Page:
    """The files of the page, read once. Browsers keep them, and ask each time whether they have changed."""

    def __init__(self) -> None:
        entries = (entry for entry in files(__name__).joinpath("assets").iterdir() if entry.is_file())
        self._assets = {entry.name: _asset(entry.name, entry.read_bytes()) for entry in entries}

    async def asset(self, request: Request) -> Response:
        """Return a file of the page."""
        name = request.path_params["name"]
        if name not in self._assets:
            raise ApiError(404, f"the page has no file {name!r}; GET / is the page", code="unknown_url")
        return self._response(name, request)

    def index(self, request: Request) -> Response:
        """Return the page itself."""
        return self._response("index.html", request)

    def _response(self, name: str, request: Request) -> Response:
        from starlette.responses import Response

        content, headers = self._assets[name]
        if headers["etag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers={key: headers[key] for key in ("etag", "cache-control", "vary")})
        return Response(content, headers=headers)


def accepts_page(request: Request) -> bool:
    """Return whether a client is a browser, which asks for a page by name; others accept anything."""
    return "text/html" in request.headers.get("accept", "")


def _asset(name: str, content: bytes) -> _Asset:
    kind = _TYPES[name.rpartition(".")[2]]
    headers = {
        "content-type": f"{kind}; charset=utf-8",
        "cache-control": "no-cache",
        "etag": f'"{hashlib.sha256(content).hexdigest()[:32]}"',
        "vary": "accept",
        **_POLICY,
    }
    return _Asset(content, headers)
