"""Escalation policies: who is told when nobody answers. Pure."""

from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.common.config import StrictModel
from services.common.durations import Duration


class Target(StrictModel):
    """A contact, whoever a schedule has on call, or a receiver: exactly one."""

    contact: str = ""
    schedule: str = ""
    receiver: str = ""

    @model_validator(mode="after")
    def _one(self) -> "Target":
        if sum(map(bool, (self.contact, self.schedule, self.receiver))) != 1:
            raise ValueError("name one of contact, schedule and receiver")
        return self

    @property
    def kind(self) -> Literal["contact", "schedule", "receiver"]:
        """Which of the three it is."""
        if self.contact:
            return "contact"
        return "schedule" if self.schedule else "receiver"

    @property
    def name(self) -> str:
        """Its name."""
        return self.contact or self.schedule or self.receiver


class Step(StrictModel):
    """Who is told, and how long they have to answer."""

    notify: tuple[Target, ...] = Field(min_length=1)
    channels: tuple[str, ...] = ()
    """By these channels of the contacts; without it by the first that wants the severity."""
    wait: Duration = Field(default=300.0, ge=10)
    """Seconds until the next step, when nobody acknowledges."""

    @model_validator(mode="before")
    @classmethod
    def _listed(cls, data: Any) -> Any:
        if isinstance(data, dict) and isinstance(data.get("notify"), dict):
            return {**data, "notify": [data["notify"]]}
        return data


class Policy(StrictModel):
    """Steps, one after the other, and how often all of them are repeated."""

    name: str = Field(min_length=1)
    steps: tuple[Step, ...] = Field(min_length=1)
    repeat: int = Field(default=0, ge=0, le=100)


class Escalation(BaseModel):
    """A policy at work for one group of alerts."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    group_id: str
    policy: str
    step: int = 0
    """The step that was taken last, from 0."""
    round: int = 0
    next_at: float | None = None
    """When the next step is due; None: there is none, everybody has been told as often as the policy says."""
    started_at: float
    waiting: str = ""
    """Why the next step is put off, as the log has it."""

    @property
    def escalation_id(self) -> str:
        """One policy runs once for a group."""
        return escalation_id(self.group_id, self.policy)


class Taken(NamedTuple):
    """The escalation after a step, and the step."""

    escalation: Escalation
    step: Step


def escalation_id(group_id: str, policy: str) -> str:
    """Return the id of a policy's work for a group."""
    return f"{group_id}|{policy}"


def begin(policy: Policy, group_id: str, now: float) -> Taken:
    """Start: the first step is taken now."""
    made = Escalation(group_id=group_id, policy=policy.name, started_at=now)
    return _taken(made, policy, 0, 0, now)


def advance(escalation: Escalation, policy: Policy, now: float) -> Taken | None:
    """Take the next step; None when the policy (it may be a changed one) has none left."""
    number, rounds = escalation.step + 1, escalation.round
    if number >= len(policy.steps):
        number, rounds = 0, rounds + 1
    if rounds > policy.repeat:
        return None
    return _taken(escalation, policy, number, rounds, now)


def _taken(escalation: Escalation, policy: Policy, number: int, rounds: int, now: float) -> Taken:
    step = policy.steps[number]
    more = number + 1 < len(policy.steps) or rounds < policy.repeat
    update = {"step": number, "round": rounds, "next_at": now + step.wait if more else None, "waiting": ""}
    return Taken(escalation.model_copy(update=update), step)


def told_steps(escalation: Escalation, policy: Policy) -> tuple[Step, ...]:
    """Return the steps whose people know of it: all up to the present one, or all once it has gone round."""
    return policy.steps if escalation.round else policy.steps[: escalation.step + 1]
