"""What a test expected beside what would have happened. Pure."""

from collections.abc import Iterator

from services.common.durations import format_duration
from services.notifier.rehearsal.file import Expected, ExpectedDecision, RoutingTest
from services.notifier.rehearsal.stage import Decided, Played, Sent

_NEAR = 1.0


def differences(test: RoutingTest, played: Played) -> Iterator[str]:
    """Yield what is missing and what nobody expected, a line each; none: the test has passed."""
    if test.expect is not None:
        left = list(played.sent)
        for expected in test.expect:
            found = next((one for one in left if _is(expected, one)), None)
            if found is None:
                yield f"missing: {_told(expected)}"
            else:
                left.remove(found)
        yield from (f"unexpected: {shown(one)}" for one in left)
    for decision in test.expect_decisions:
        if not any(_decided(decision, one) for one in played.decided):
            yield f"missing decision: {_told(decision)}"
            near = [one for one in played.decided if one.reason == decision.reason.value]
            yield from (f"  recorded is: at {_time(one.at)}: {one.detail} ({', '.join(one.alerts)})" for one in near)


def _is(expected: Expected, sent: Sent) -> bool:
    entry = sent.entry
    given = (
        (expected.receiver, entry.receiver),
        (expected.contact, sent.contact),
        (expected.channel, entry.channel),
        (expected.to, entry.recipient),
        (expected.status, entry.status),
        (expected.cause, entry.cause.value),
    )
    names = expected.alerts is None or tuple(sorted(set(expected.alerts))) == sent.alerts
    return names and abs(sent.at - expected.at) < _NEAR and all(want in {"", have} for want, have in given)


def _decided(expected: ExpectedDecision, decided: Decided) -> bool:
    names = expected.alerts is None or tuple(sorted(set(expected.alerts))) == decided.alerts
    return (
        names
        and abs(decided.at - expected.at) < _NEAR
        and decided.reason == expected.reason.value
        and expected.receiver in {"", decided.receiver}
        and expected.contact in {"", decided.recipient}
        and expected.detail in decided.detail
    )


def shown(sent: Sent) -> str:
    """Return a message as a line."""
    entry = sent.entry
    who = f"contact {sent.contact}" if sent.contact else f"receiver {entry.receiver}"
    alerts = ", ".join(f"{event.labels['alertname']} {event.status.value}" for event in entry.alerts)
    return f"at {_time(sent.at)}: {who} by {entry.channel} to {entry.recipient} ({entry.cause.value}): {alerts}"


def _told(expected: Expected | ExpectedDecision) -> str:
    given = expected.model_dump(mode="json", exclude_unset=True, exclude={"at"})
    fields = ", ".join(f"{key} {', '.join(one) if isinstance(one, list) else one}" for key, one in given.items())
    return f"at {_time(expected.at)}: {fields or 'any message'}"


def _time(seconds: float) -> str:
    return format_duration(round(seconds, 1))
