"""Why there is no token."""

from collections.abc import Mapping
from typing import Literal

TokenReason = Literal["refused", "timeout", "unreachable", "tls", "answer"]


class TokenError(Exception):
    """No token: the text names the server and what it said, without secrets.

    `refused`: the server does not take who we are; `answer`: what it answered is no token. `status`, `answered` and
    `headers` are those of an answer that is not 2xx; `status` is 0 where there is none.
    """

    def __init__(
        self, reason: TokenReason, text: str, *, status: int = 0, answered: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(text)
        self.reason: TokenReason = reason
        self.status, self.answered, self.headers = status, answered, headers or {}
