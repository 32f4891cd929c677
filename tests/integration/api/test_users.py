import asyncio

import asyncpg
import pytest

from services.api import users
from services.api.auth.passwords import PasswordChecker

pytestmark = pytest.mark.integration


@pytest.fixture
def dsn(migrated_dsn):
    return migrated_dsn


async def _fetch(dsn, query):
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetch(query)
    finally:
        await connection.close()


async def test_the_first_admin_is_made_once_by_one_of_several_starters(dsn):
    made = await asyncio.gather(*(users.ensure_first_user(dsn) for _ in range(4)))
    logins = [login for login in made if login]
    assert len(logins) == 1
    username, password = logins[0]
    assert (username, len(password) >= 16) == ("admin", True)
    stored = (await _fetch(dsn, "SELECT password_hash, role FROM users"))[0]
    assert stored["role"] == "admin"
    assert password not in stored["password_hash"]
    assert await PasswordChecker().check(stored["password_hash"], password)
    assert await users.ensure_first_user(dsn) is None


async def test_users_are_added_listed_and_audited(dsn):
    await users.create_user(dsn, "zoe", "correct horse battery", "operator")
    await users.create_user(dsn, "adam@example.com", "correct horse battery")
    listed = await users.list_users(dsn)
    assert [(user.username, user.role, user.disabled_at) for user in listed] == [
        ("adam@example.com", "viewer", None),
        ("zoe", "operator", None),
    ]
    audit = await _fetch(dsn, "SELECT actor, action, target FROM audit_log ORDER BY id")
    assert [tuple(row) for row in audit] == [
        ("command line", "user_created", "zoe"),
        ("command line", "user_created", "adam@example.com"),
    ]


async def test_a_new_password_ends_the_sessions(dsn):
    await users.create_user(dsn, "zoe", "correct horse battery", "operator")
    connection = await asyncpg.connect(dsn)
    await connection.execute(
        "INSERT INTO sessions (token_hash, user_id, csrf_token, expires_at)"
        " SELECT 'x', id, 'c', now() + interval '1 hour' FROM users"
    )
    await connection.close()
    await users.set_password(dsn, "zoe", "another long password")
    assert await _fetch(dsn, "SELECT 1 FROM sessions") == []
    stored = (await _fetch(dsn, "SELECT password_hash FROM users"))[0][0]
    assert await PasswordChecker().check(stored, "another long password")
    assert not await PasswordChecker().check(stored, "correct horse battery")


async def test_bad_logins_are_refused_with_the_mend(dsn):
    for username, password, role, says in [
        ("", "correct horse battery", "viewer", "is not a username; take 1 to 64"),
        ("two words", "correct horse battery", "viewer", "is not a username"),
        ("x" * 65, "correct horse battery", "viewer", "is not a username"),
        ("zoe", "short", "viewer", "at least 10"),
        ("zoe", "x" * 300, "viewer", "at most 256"),
        ("longusername", "longusername1", "viewer", "choose another"),
        ("zoe", "correct horse battery", "root", "choose one of viewer, operator, admin"),
    ]:
        with pytest.raises(users.UserError, match=says):
            await users.create_user(dsn, username, password, role)
        assert await users.list_users(dsn) == [], (username, password, role, says)


async def test_a_taken_and_an_unknown_name_are_told(dsn):
    await users.create_user(dsn, "zoe", "correct horse battery")
    with pytest.raises(users.UserError, match="user zoe exists; change its password with `tocsin user passwd`"):
        await users.create_user(dsn, "zoe", "correct horse battery")
    with pytest.raises(users.UserError, match="there is no user adam"):
        await users.set_password(dsn, "adam", "correct horse battery")


async def test_an_unreachable_and_an_empty_database_are_told(postgres_dsn):
    with pytest.raises(users.UserError, match="run `tocsin migrate"):
        await users.ensure_first_user(postgres_dsn)
    with pytest.raises(users.UserError, match="Postgres can't be reached"):
        await users.list_users("postgresql://tocsin@127.0.0.1:1/x")
