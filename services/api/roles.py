"""The three roles, each with the rights of those before it."""

from typing import Literal, TypeAlias, get_args

Role: TypeAlias = Literal["viewer", "operator", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)


def allows(held: Role, needed: Role) -> bool:
    """Tell whether somebody with the role `held` may do what asks for `needed`."""
    return ROLES.index(held) >= ROLES.index(needed)
