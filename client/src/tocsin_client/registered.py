"""One set of metrics per registry, however often an app builds its middleware."""

from collections.abc import Callable
from typing import Any, TypeVar, cast
from weakref import WeakKeyDictionary

from prometheus_client import CollectorRegistry

T = TypeVar("T")
_made: WeakKeyDictionary[CollectorRegistry, dict[Any, Any]] = WeakKeyDictionary()


def once(registry: CollectorRegistry, make: Callable[[CollectorRegistry], T]) -> T:
    """Return what `make` made for this registry, calling it at the first time only.

    Raises ValueError, with the way out, when another library holds one of the names there.
    """
    kept = _made.setdefault(registry, {})
    if make not in kept:
        try:
            kept[make] = make(registry)
        except ValueError as error:
            raise ValueError(
                f"{error}; another library measures the same in this registry: remove it, "
                "or give Tocsin a registry of its own (registry=CollectorRegistry())"
            ) from error
    return cast("T", kept[make])
