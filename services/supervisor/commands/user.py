"""`tocsin user add | passwd | list`."""

import argparse
import asyncio
import getpass
import secrets
import sys

from services.api.users import UserError, create_user, list_users, set_password
from services.common.config import ConfigError
from services.supervisor.commands.dsn import dsn_of


def run(options: argparse.Namespace) -> int:
    """Manage logins; 1 when that failed."""
    try:
        sys.stdout.write(asyncio.run(_run(options, dsn_of(options.config))))
    except (ConfigError, UserError, OSError, TimeoutError) as error:
        sys.stderr.write(f"{str(error) or type(error).__name__}\n")
        return 1
    return 0


async def _run(options: argparse.Namespace, dsn: str) -> str:
    if options.action == "list":
        users = await list_users(dsn)
        rows = [f"{user.username:<24} {user.role:<9} {'disabled' if user.disabled_at else 'active'}" for user in users]
        return "\n".join(rows) + "\n" if rows else "there are no users yet\n"
    password, shown = _password(from_input=options.password_stdin)
    if options.action == "add":
        await create_user(dsn, options.username, password, options.role)
        return f"added {options.username} as {options.role}{shown}\n"
    await set_password(dsn, options.username, password)
    return f"changed the password of {options.username}; its sessions have ended{shown}\n"


def _password(*, from_input: bool) -> tuple[str, str]:
    """Return the password and what to show of it: typed twice on a terminal, read from a pipe, or made up."""
    if from_input:
        return sys.stdin.readline().rstrip("\r\n"), ""
    if sys.stdin.isatty():
        typed = getpass.getpass("New password (empty: make one up): ")
        if typed:
            if getpass.getpass("Again: ") != typed:
                raise UserError("the two passwords differ; nothing was changed")
            return typed, ""
    made = secrets.token_urlsafe(12)
    return made, f"; password: {made}"
