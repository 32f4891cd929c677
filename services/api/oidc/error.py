"""Why a login by the provider did not come about."""

from typing import Literal, TypeAlias

Reason: TypeAlias = Literal[
    "attempt",
    "away",
    "denied",
    "disabled",
    "misconfigured",
    "name_taken",
    "no_role",
    "refused",
    "storage",
    "token",
    "username",
]


class OidcError(Exception):
    """Ends a login; `reason` is bounded and shown on the login page, the message goes to the log."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason: Reason = reason
