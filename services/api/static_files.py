"""The built dashboard, served from memory."""

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path

import structlog
from aiohttp import web

from services.api.problem import ProblemError

FOLDER = Path(__file__).parent / "static"
NOT_BUILT = (
    "The dashboard is not built.\n\n"
    "In a checkout run `python hatch_build.py` (or `make setup`); an installed package brings it built.\n"
    "The API works all the same: see /api/openapi.json.\n"
)
_ASSETS = "/assets/"
_COMPRESS_FROM = 1024
# What compresses; images and fonts are compressed already.
_TEXT = ("text/", "application/javascript", "application/json", "image/svg+xml", "application/manifest+json")
_TYPES = {".js": "text/javascript", ".webmanifest": "application/manifest+json", ".woff2": "font/woff2"}
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class _File:
    body: bytes
    packed: bytes | None
    content_type: str
    tag: str


class StaticFiles:
    """Serves files by their paths, and the page itself for every other path outside /api."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = folder
        self._files: dict[str, _File] = {}
        self._built_at = 0
        self.load()

    def load(self) -> None:
        """Read the built files anew; a later request does so by itself when the page was built again."""
        self._built_at = self._stamp()
        paths = [path for path in self._folder.rglob("*") if path.is_file() and not path.name.startswith(".")]
        self._files = {f"/{path.relative_to(self._folder).as_posix()}": _read(path) for path in paths}
        if not self._built_at:
            log.warning("dashboard_not_built", folder=str(self._folder))

    def _stamp(self) -> int:
        try:
            return (self._folder / "index.html").stat().st_mtime_ns
        except FileNotFoundError:
            return 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer GET and HEAD outside /api."""
        path = request.path
        if path == "/api" or path.startswith(("/api/", "/-/")):
            raise web.HTTPNotFound
        if self._stamp() != self._built_at:
            self.load()
        file = self._files.get(path)
        if file is None and path.startswith(_ASSETS):
            raise ProblemError(404, "not-found", "There is no such file.", "Reload the page: it was built anew.")
        page = file is None or path == "/index.html"
        file = file or self._files.get("/index.html")
        if file is None:
            return web.Response(status=503, text=NOT_BUILT, headers={"Retry-After": "10"})
        forever = path.startswith(_ASSETS) and not page
        return _respond(request, file, "public, max-age=31536000, immutable" if forever else "no-cache")


def _read(path: Path) -> _File:
    body = path.read_bytes()
    content_type = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    packed = gzip.compress(body, 9, mtime=0) if content_type.startswith(_TEXT) and len(body) >= _COMPRESS_FROM else None
    return _File(body, packed, content_type, hashlib.blake2b(body, digest_size=16).hexdigest())


def _respond(request: web.Request, file: _File, cache: str) -> web.Response:
    headers = {"Cache-Control": cache, "ETag": f'"{file.tag}"', "Vary": "Accept-Encoding"}
    if any(known.value in {file.tag, "*"} for known in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    headers["Content-Type"] = file.content_type
    if file.content_type.startswith("text/"):
        headers["Content-Type"] += "; charset=utf-8"
    body = file.body
    if file.packed is not None and "gzip" in request.headers.get("Accept-Encoding", ""):
        body, headers["Content-Encoding"] = file.packed, "gzip"
    return web.Response(body=body, headers=headers)
