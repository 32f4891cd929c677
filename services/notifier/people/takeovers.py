"""Takeovers that people have agreed on the page, laid over the file's schedules: read from Redis. Pure."""

from collections.abc import Mapping
from dataclasses import replace

from pydantic import ValidationError

from services.common.people import Takeover
from services.notifier.people.directory import Directory
from services.notifier.people.schedules import ExactOverride


def read_takeovers(rows: Mapping[bytes, bytes]) -> tuple[dict[str, Takeover], dict[str, str]]:
    """Return the takeovers of a Redis hash by id, and what is wrong with those that can't be read."""
    found: dict[str, Takeover] = {}
    wrong: dict[str, str] = {}
    for key, value in rows.items():
        name = key.decode(errors="replace")
        try:
            found[name] = Takeover.model_validate_json(value)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            wrong[name] = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return found, wrong


def problem_of(one: Takeover, directory: Directory) -> str:
    """Return why a takeover can't be followed, "" when it can."""
    if one.schedule not in directory.schedules:
        return f"there is no schedule {one.schedule!r}"
    unknown = [name for name in (one.contact, one.instead_of) if name is not None and name not in directory.contacts]
    return f"there is no contact {unknown[0]!r}" if unknown else ""


def with_takeovers(directory: Directory, takeovers: Mapping[str, Takeover]) -> Directory:
    """Return the directory with those that can be followed, on top of the file's own overrides."""
    if not takeovers:
        return directory
    schedules = dict(directory.schedules)
    for one in sorted(takeovers.values(), key=lambda each: (each.starts_at, each.ends_at, each.contact)):
        if problem_of(one, directory):
            continue
        schedule = schedules[one.schedule]
        exact = ExactOverride.made(one.contact, one.instead_of, one.starts_at, one.ends_at, schedule.zone)
        schedules[one.schedule] = schedule.model_copy(update={"overrides": (*schedule.overrides, exact)})
    return replace(directory, schedules=schedules)
