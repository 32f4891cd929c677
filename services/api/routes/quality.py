"""Code quality: audits whose reports CI posts, their scores, and the run of the configured command."""

import asyncio

from aiohttp import web

from services.api.context import Api
from services.api.endpoint import Call, Route
from services.api.model import Nothing
from services.api.problem import ProblemError
from services.api.quality.folder import MAX_REPORT
from services.api.quality.model import Audit, AuditBody, AuditRun, Quality, QualityQuery, ReportTaken, RunState
from services.api.quality.parsers import BY_KIND, Parser
from services.api.quality.report import ReportError
from services.api.quality.run import NoCommandError
from services.api.quality.store import MOST_REPORTS, AuditFinishedError, RunningError, TooManyReportsError

_PATH = "/api/admin/monitoring/quality"
_MAX_ID_DIGITS = 18
_DAY = 86_400.0


def _unknown() -> ProblemError:
    return ProblemError(404, "unknown-audit", "There is no such audit.", f"Begin one by POST {_PATH}/audits.")


def _finished() -> ProblemError:
    return ProblemError(
        409, "audit-finished", "The audit has its scores already.", f"Begin another by POST {_PATH}/audits."
    )


def _id(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_ID_DIGITS):
        raise _unknown()
    return int(text)


async def _show(api: Api, call: Call[QualityQuery, Nothing]) -> Quality:
    return await api.quality.quality(call.query.branch)


async def _begin(api: Api, call: Call[Nothing, AuditBody]) -> Audit:
    if call.body.at is not None and call.body.at > api.clock.now() + _DAY:
        # It would stay the latest audit until then.
        raise ProblemError(400, "in-the-future", "The audit's time is in the future.", "Give seconds since the epoch.")
    audit_id = await api.quality.store.create(call.body, call.identity.username)
    return Audit(
        id=audit_id,
        commit=call.body.commit,
        branch=call.body.branch,
        at=api.clock.now() if call.body.at is None else call.body.at,
        lines=call.body.lines_of_code,
        created_by=call.identity.username,
        finished_at=None,
        overall=None,
        architecture=None,
        security=None,
        performance=None,
        testing=None,
    )


def _parser(kind: str) -> Parser:
    for parser in BY_KIND.values():
        if parser.kind == kind:
            return parser
    raise ProblemError(
        404, "unknown-report", "There is no such kind of report.", f"Post one of these: {', '.join(BY_KIND)}."
    )


async def _post_report(api: Api, call: Call[Nothing, Nothing]) -> ReportTaken:
    audit_id, parser = _id(call.path["id"]), _parser(call.path["kind"])
    async with api.quality.parsing:
        raw = await _whole(call.request)
        try:
            report = await asyncio.to_thread(parser.parse, raw)
        except ReportError as error:
            raise ProblemError(400, "bad-report", f"The {parser.kind} report: {error}.", error.mend) from error
    try:
        found = await api.quality.store.put(audit_id, report, call.identity.username)
    except AuditFinishedError as error:
        raise _finished() from error
    except TooManyReportsError as error:
        raise ProblemError(
            409, "too-many-reports", f"The audit has {MOST_REPORTS} reports already.", "Join the SARIF logs into fewer."
        ) from error
    if not found:
        raise _unknown()
    return ReportTaken(
        kind=report.kind,
        tool=report.tool,
        findings=dict(report.counts),
        vulnerabilities=len(report.vulnerabilities),
    )


async def _whole(request: web.Request) -> bytes:
    kept = bytearray()
    async for chunk in request.content.iter_chunked(65_536):
        kept += chunk
        if len(kept) > MAX_REPORT:
            raise ProblemError(
                413,
                "too-large",
                f"The report is larger than {MAX_REPORT // 1024**2} MiB.",
                "Leave out what is not your code, or mend the most frequent findings first.",
            )
    return bytes(kept)


async def _finish(api: Api, call: Call[Nothing, Nothing]) -> Audit:
    try:
        audit = await api.quality.store.finish(_id(call.path["id"]), call.identity.username)
    except AuditFinishedError as error:
        raise _finished() from error
    if audit is None:
        raise _unknown()
    await api.quality.refresh()
    return audit


async def _delete(api: Api, call: Call[Nothing, Nothing]) -> web.StreamResponse:
    if not await api.quality.store.delete(_id(call.path["id"]), call.identity.username):
        raise _unknown()
    await api.quality.refresh()
    return web.Response(status=204)


async def _state(api: Api, _call: Call[Nothing, Nothing]) -> RunState:
    configured = bool(api.quality.settings.audit_command)
    return RunState(configured=configured, run=await api.quality.store.last_run())


async def _run(api: Api, call: Call[Nothing, Nothing]) -> AuditRun:
    try:
        return await api.audit_runner.start(call.identity.username)
    except NoCommandError as error:
        raise ProblemError(
            409,
            "no-audit-command",
            "No audit command is configured.",
            "Set api.quality.audit_command, see docs/code-quality.md, or let CI post its reports.",
        ) from error
    except RunningError as error:
        raise ProblemError(409, "audit-runs", "An audit runs already.", f"Wait for it: GET {_PATH}/run.") from error


ROUTES = (
    Route(
        method="GET",
        path=_PATH,
        name="getQuality",
        summary="The latest audit of a branch: scores, what pulls them down, vulnerabilities, findings, trend",
        role="viewer",
        handler=_show,
        answer=Quality,
        query=QualityQuery,
        body=Nothing,
    ),
    Route(
        method="POST",
        path=f"{_PATH}/audits",
        name="beginAudit",
        summary="Begin an audit of a commit; its reports are posted next",
        role="operator",
        handler=_begin,
        answer=Audit,
        query=Nothing,
        body=AuditBody,
        status=201,
    ),
    Route(
        method="POST",
        path=f"{_PATH}/audits/{{id}}/reports/{{kind}}",
        name="postReport",
        summary=f"Add a report as the tool wrote it, 16 MiB at most: {', '.join(BY_KIND)}",
        role="operator",
        handler=_post_report,
        answer=ReportTaken,
        query=Nothing,
        body=Nothing,
        raw_body="application/octet-stream",
        problems=(404, 409),
    ),
    Route(
        method="POST",
        path=f"{_PATH}/audits/{{id}}/finish",
        name="finishAudit",
        summary="All reports are there: make the scores",
        role="operator",
        handler=_finish,
        answer=Audit,
        query=Nothing,
        body=Nothing,
        problems=(404, 409),
    ),
    Route(
        method="DELETE",
        path=f"{_PATH}/audits/{{id}}",
        name="deleteAudit",
        summary="Remove an audit with its reports",
        role="admin",
        handler=_delete,
        answer=None,
        query=Nothing,
        body=Nothing,
        status=204,
        problems=(404,),
    ),
    Route(
        method="GET",
        path=f"{_PATH}/run",
        name="getAuditRun",
        summary="The run of the audit command that goes on, or the last one, with what it printed",
        role="admin",
        handler=_state,
        answer=RunState,
        query=Nothing,
        body=Nothing,
    ),
    Route(
        method="POST",
        path=f"{_PATH}/run",
        name="runAudit",
        summary="Run the configured audit command now",
        role="admin",
        handler=_run,
        answer=AuditRun,
        query=Nothing,
        body=Nothing,
        status=202,
        problems=(409,),
    ),
)
