"""Replies that are refusals."""

from collections.abc import Sequence

from redis.exceptions import ClusterDownError, MovedError, ResponseError

from services.collector.sources.redis.client import Reply

_ELSEWHERE = ("MOVED ", "ASK ", "CLUSTERDOWN")


def is_elsewhere(reply: Reply) -> bool:
    """Tell whether another node of the Cluster has the key."""
    return isinstance(reply, ResponseError) and (
        isinstance(reply, MovedError | ClusterDownError) or str(reply).startswith(_ELSEWHERE)
    )


def check(replies: Sequence[Reply]) -> Sequence[Reply]:
    """Return the replies; raises the first refusal among them."""
    for reply in replies:
        if isinstance(reply, ResponseError):
            raise reply
    return replies
