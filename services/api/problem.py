"""Errors as RFC 9457 `application/problem+json`, each with what to do next."""

import http

from aiohttp import web

from services.api.model import Answer

CONTENT_TYPE = "application/problem+json"


class Problem(Answer):
    """The body of every error."""

    type: str
    """A bounded name of what is wrong, such as `/problems/not-logged-in`."""
    title: str
    status: int
    detail: str
    mend: str
    """What to do next."""


class ProblemError(Exception):
    """Ends a request with a problem; `kind` is bounded, words joined by `-`."""

    def __init__(
        self, status: int, kind: str, detail: str, mend: str, *, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status, self.kind, self.detail, self.mend = status, kind, detail, mend
        self.headers = headers or {}

    def response(self) -> web.Response:
        """Return the answer to send."""
        problem = Problem(
            type=f"/problems/{self.kind}",
            title=http.HTTPStatus(self.status).phrase,
            status=self.status,
            detail=self.detail,
            mend=self.mend,
        )
        return web.Response(
            status=self.status, body=problem.model_dump_json().encode(), content_type=CONTENT_TYPE, headers=self.headers
        )


def storage_away(what: str) -> ProblemError:
    """Return the problem of a request that needs Postgres while it is away."""
    return ProblemError(
        503,
        "storage-away",
        f"{what}: Postgres can't be reached.",
        "Paging and the live page go on; try again when Postgres is back.",
        headers={"Retry-After": "5"},
    )


def from_http_error(error: web.HTTPException) -> ProblemError:
    """Return the problem for what aiohttp itself refuses."""
    details = {
        404: ("not-found", "There is nothing at this address.", "See /api/openapi.json for what there is."),
        405: ("method-not-allowed", "This address does not take that method.", "See /api/openapi.json."),
        413: ("too-large", "The request is larger than this endpoint takes.", "Send less."),
    }
    kind, detail, mend = details.get(
        error.status, ("refused", error.reason or "The request was refused.", "See /api/openapi.json.")
    )
    headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
    return ProblemError(error.status, kind, detail, mend, headers=headers)
