"""What people have chosen for themselves, laid over the configuration: read from Redis, written by the API. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from pydantic import ValidationError

from services.common.config import StrictModel
from services.common.people import Takeover
from services.notifier.people.contacts import Contact, RateLimit, Way
from services.notifier.people.directory import Directory
from services.notifier.people.fields import Severities
from services.notifier.people.quiet_hours import QuietHours
from services.notifier.people.takeovers import problem_of, with_takeovers


class PreferredChannel(StrictModel):
    """One of the contact's channels in the order that they want; `channel` is its key, or `email/1` for the second."""

    channel: str
    severities: Severities | None = None


class Preference(StrictModel):
    """One contact's choice; what is left out stays as the file has it."""

    channels: tuple[PreferredChannel, ...] | None = None
    """Only those named are used."""
    deliver: Literal["first", "all"] | None = None
    quiet_hours: tuple[QuietHours, ...] | None = None
    rate_limit: RateLimit | None = None

    def laid_over(self, contact: Contact) -> Contact:
        """Return the contact as they prefer it; raises ValueError for a channel that the file does not have."""
        found = contact
        if self.channels is not None:
            found = found._replace(ways=tuple(way for one in self.channels for way in _ways(contact, one)))
        if self.deliver is not None:
            found = found._replace(deliver=self.deliver)
        if self.quiet_hours is not None:
            found = found._replace(quiet_hours=self.quiet_hours)
        if self.rate_limit is not None:
            found = found._replace(rate_limit=self.rate_limit)
        if not found.ways:
            # Nobody may switch themselves off by a mistake: that is what the file and schedules are for.
            raise ValueError(f"{contact.name} would have no channel left")
        return found


def _ways(contact: Contact, chosen: PreferredChannel) -> list[Way]:
    found = [way for way in contact.ways if chosen.channel in (way.channel, way.integration)]
    if not found:
        known = ", ".join(way.integration for way in contact.ways) or "none"
        raise ValueError(f"{contact.name} has no channel {chosen.channel!r}; the file gives: {known}")
    return [way if chosen.severities is None else way._replace(severities=chosen.severities) for way in found]


@dataclass(frozen=True)
class Preferences:
    """Everybody's choices, and who takes over from whom."""

    by_contact: Mapping[str, Preference] = field(default_factory=dict)
    takeovers: Mapping[str, Takeover] = field(default_factory=dict)

    def applied(self, directory: Directory) -> Directory:
        """Return the directory with the choices that can be followed."""
        directory = with_takeovers(directory, self.takeovers)
        if not self.by_contact:
            return directory
        contacts = dict(directory.contacts)
        for name, preference in self.by_contact.items():
            if name in contacts:
                try:
                    contacts[name] = preference.laid_over(contacts[name])
                except ValueError:
                    continue
        return replace(directory, contacts=contacts)

    def problems(self, directory: Directory) -> dict[str, str]:
        """Return what can't be followed, by contact."""
        found = {}
        for name, preference in self.by_contact.items():
            contact = directory.contacts.get(name)
            if contact is None:
                found[name] = "no contact of that name"
                continue
            try:
                preference.laid_over(contact)
            except ValueError as error:
                found[name] = str(error)
        return found

    def takeover_problems(self, directory: Directory) -> dict[str, str]:
        """Return which takeovers can't be followed and why, by id."""
        problems = {name: problem_of(one, directory) for name, one in self.takeovers.items()}
        return {name: problem for name, problem in problems.items() if problem}


def read_preferences(rows: Mapping[bytes, bytes]) -> tuple[Preferences, dict[str, str]]:
    """Return the choices in a Redis hash, and what is wrong with those that can't be read, by contact."""
    found: dict[str, Preference] = {}
    wrong: dict[str, str] = {}
    for key, value in rows.items():
        name = key.decode(errors="replace")
        try:
            found[name] = Preference.model_validate_json(value)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            wrong[name] = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return Preferences(found), wrong
