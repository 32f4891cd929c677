"""From a request's scope to its route's template, so that `/orders/17` and `/orders/18` are one series."""

from tocsin_client.types import Scope

UNMATCHED = "none"
OTHER = "other"


def route_template(scope: Scope, root_path: str) -> str:
    """Return the matched route's path as written in the app, "none" where no route matched.

    Starlette puts the route into the scope; a FastAPI route of an included router keeps the whole path in FastAPI's
    own key. `root_path` is the scope's before routing: what grew on it are the mounts on the way.
    """
    route = scope.get("route")
    if route is None:
        return UNMATCHED
    mounts = str(scope.get("root_path", ""))[len(root_path) :]
    if hasattr(route, "routes"):
        return mounts or UNMATCHED
    return mounts + _path(scope, route)


def _path(scope: Scope, route: object) -> str:
    context = (scope.get("fastapi") or {}).get("effective_route_context")
    if context is not None and getattr(context, "original_route", None) is route:
        whole = getattr(context, "starlette_route", None) or context
        if path := getattr(whole, "path_format", "") or getattr(whole, "path", ""):
            return str(path)
    return str(getattr(route, "path_format", "") or getattr(route, "path", "") or UNMATCHED)


class Templates:
    """Keeps the number of different templates bounded: from `limit` on, new ones are counted as "other"."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._known: set[str] = {UNMATCHED, OTHER}

    def bounded(self, template: str) -> str:
        """Return the template, or "other" when there are too many."""
        if template in self._known:
            return template
        if len(self._known) >= self._limit + 2:
            return OTHER
        self._known.add(template)
        return template
