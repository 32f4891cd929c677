"""Talking to a server line by line: blackbox_exporter's `query_response`."""

from typing import Any, Protocol

from pydantic import Field, model_validator

from services.collector.probes.base import Run
from services.collector.probes.regex import Pattern, compiled, expand
from services.collector.reasons import Reason
from services.common.config import StrictModel

REGEX_TEXT = "Indicates if probe failed due to regex"
BYTES_TEXT = "Indicates if probe failed due to bytes"


class QueryLabel(StrictModel):
    """A label of probe_expect_info; its value may refer to the match's groups, like `${1}`."""

    name: str = Field(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$")
    value: str = ""


class QueryResponse(StrictModel):
    """One step: wait for a line (or bytes), then send one, then start TLS; each of them optional."""

    expect: Pattern | None = None
    expect_bytes: str | None = None
    labels: tuple[QueryLabel, ...] = ()
    send: str = ""
    """May refer to the groups of `expect`, like `${1}`; a newline is added."""
    starttls: bool = False

    @model_validator(mode="after")
    def _one(self) -> "QueryResponse":
        if self.expect and self.expect_bytes:
            raise ValueError("give either expect or expect_bytes")
        if self.labels and not self.expect:
            raise ValueError("labels need expect, whose match they are taken from")
        return self


class Talk(Protocol):
    """A connection as the steps need it; the run's time bounds each wait."""

    async def read_line(self) -> str | None:
        """Return the next line (or message), None when the server has closed; raises ScrapeError for too long ones."""
        ...

    async def read_exactly(self, count: int) -> bytes:
        """Return that many bytes, fewer when the server has closed."""
        ...

    async def send_line(self, text: str) -> None:
        """Send a line (or message)."""
        ...

    async def start_tls(self) -> None:
        """Go on over TLS."""
        ...


async def run_steps(run: Run, talk: Talk, steps: tuple[QueryResponse, ...]) -> Reason | None:
    """Take all steps; return Reason.BODY for an answer that is not the expected one, Reason.CLOSED for none."""
    for number, step in enumerate(steps, start=1):
        send = step.send
        if step.expect:
            match, reason = await _wait_for(run, talk, step.expect)
            if reason is not None:
                run.note(f"step {number}: no line matches {step.expect!r}")
                return reason
            send = expand(send, match)
            _write_labels(run, step, match)
        if step.expect_bytes:
            wanted = step.expect_bytes.encode()
            got = await talk.read_exactly(len(wanted))
            if got != wanted:
                run.sheet.gauge("probe_failed_due_to_bytes", BYTES_TEXT, 1)
                run.note(f"step {number}: {got!r} is not {wanted!r}")
                return Reason.BODY
        if send:
            await talk.send_line(send)
        if step.starttls:
            await talk.start_tls()
    return None


async def _wait_for(run: Run, talk: Talk, pattern: str) -> tuple[Any, Reason | None]:
    seen = False
    while (line := await talk.read_line()) is not None:
        seen = True
        run.note(f"read {line[:200]!r}")
        if (match := compiled(pattern).search(line)) is not None:
            return match, None
    run.sheet.gauge("probe_failed_due_to_regex", REGEX_TEXT, 1)
    return None, Reason.BODY if seen else Reason.CLOSED


def _write_labels(run: Run, step: QueryResponse, match: Any) -> None:
    if step.labels:
        labels = {label.name: expand(label.value, match) for label in step.labels}
        run.sheet.add("probe_expect_info", "gauge", "Explicit content matched", 1, labels)
