"""A real API on real Postgres and Redis, each behind a proxy that can be cut, and a stand-in evaluator."""

import functools
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import aiohttp
import asyncpg
import pytest
from argon2 import PasswordHasher

from services.api import app, assembly
from services.api.auth import passwords
from services.api.config import ApiConfig
from services.api.context import Api
from services.common.bus import RedisBus, connect_redis
from services.common.clock import SystemClock
from services.common.config import PostgresSettings, RedisSettings, Shared
from services.common.events import ALERTS_STREAM
from services.evaluator import app as evaluator_app
from services.evaluator.config import EvaluatorConfig
from services.notifier import app as notifier_app
from services.notifier.config import NotifierConfig
from tests.fixtures.waiting import until
from tests.integration.api.stand_in import Cuttable, StandInEvaluator

PASSWORD = "correct horse battery"
ROLES = ("viewer", "operator", "admin")


@dataclass
class Page:
    """One browser's session with the API."""

    http: aiohttp.ClientSession
    csrf: str = ""

    async def get(self, path, **more):
        async with self.http.get(path, **more) as answer:
            return answer.status, await _read(answer)

    async def post(self, path, body=None, **more):
        headers = {"X-CSRF-Token": self.csrf, **more.pop("headers", {})}
        async with self.http.post(path, json=body, headers=headers, **more) as answer:
            return answer.status, await _read(answer)

    async def put(self, path, body):
        async with self.http.put(path, json=body, headers={"X-CSRF-Token": self.csrf}) as answer:
            return answer.status, await _read(answer)

    async def delete(self, path):
        async with self.http.delete(path, headers={"X-CSRF-Token": self.csrf}) as answer:
            return answer.status, await _read(answer)


async def _read(answer):
    return await answer.json(content_type=None) if "json" in answer.content_type else await answer.text()


@dataclass
class Stand:
    """The API under test and everything around it."""

    stack: AsyncExitStack
    data: Path
    dsn: str
    redis_url: str
    postgres: Cuttable
    redis: Cuttable
    evaluator: StandInEvaluator
    clock: Any = field(default_factory=SystemClock)
    settings: dict[str, Any] = field(default_factory=dict)
    external_url: str = "http://dashboard.example.com"
    running: Any = None
    inner: Any = None
    context: Any = None
    notifier: Any = None
    notifier_file: str = "route: {receiver: none}\nreceivers: [{name: none}]\n"
    notifier_stack: Any = None

    async def start(self):
        """Start the API; a second call starts another copy's successor on the same data."""
        shared = Shared(
            data_dir=self.data,
            postgres=PostgresSettings(dsn=_through(self.dsn, self.postgres.port)),
            redis=RedisSettings(url=_through(self.redis_url, self.redis.port)),
            external_url=self.external_url,
        )
        config = ApiConfig.model_validate(
            {
                "listen": "127.0.0.1:0",
                "evaluator_url": f"http://127.0.0.1:{self.evaluator.port}",
                "poll_interval": 0.1,
                "rate_limits": {"per_second": 0, "anonymous_per_second": 0},
            }
            | self.settings
        )
        self.inner = await self.stack.enter_async_context(AsyncExitStack())
        with pytest.MonkeyPatch.context() as patch:
            # Keeps hold of the collaborators, which a test looks into.
            patch.setattr(assembly, "Api", self._keep)
            self.running = await app.build(self.inner, config, shared, clock=self.clock, base=self.data)
        self.evaluator.token = shared.token_path.read_text().strip()
        return self.running

    def _keep(self, **collaborators):
        self.context = Api(**collaborators)
        return self.context

    async def start_notifier(self, port=0):
        """Start a real notifier on the same Redis; the API started after it asks it."""
        shared = Shared(
            data_dir=self.data,
            postgres=None,
            redis=RedisSettings(url=_through(self.redis_url, self.redis.port)),
            external_url=self.external_url,
        )
        (self.data / "alertmanager.yml").write_text(self.notifier_file)
        config = NotifierConfig.model_validate({"listen": f"127.0.0.1:{port}"})
        inner = await self.stack.enter_async_context(AsyncExitStack())
        self.notifier = await notifier_app.build(inner, config, shared, clock=self.clock, base=self.data)
        self.settings = {**self.settings, "notifier_url": f"http://127.0.0.1:{self.notifier.port}"}
        return inner

    async def start_evaluator(self, rules="", *, history=False):
        """Start a real evaluator on the same Redis and data folder; the API started after it asks it."""
        shared = Shared(
            data_dir=self.data,
            postgres=PostgresSettings(dsn=self.dsn) if history else None,
            redis=RedisSettings(url=_through(self.redis_url, self.redis.port)),
            external_url=self.external_url,
        )
        (self.data / "stack.yml").write_text(rules or "groups: []\n")
        config = EvaluatorConfig.model_validate(
            {"listen": "127.0.0.1:0", "rule_files": ["stack.yml"], "global": {"evaluation_interval": "1s"}}
        )
        inner = await self.stack.enter_async_context(AsyncExitStack())
        running = await evaluator_app.build(inner, config, shared, clock=self.clock, base=self.data)
        self.settings = {**self.settings, "evaluator_url": f"http://127.0.0.1:{running.port}"}
        return running

    async def stop(self):
        await self.inner.aclose()

    @property
    def hub(self):
        """The running copy's hub."""
        return self.context.hub

    def stale(self):
        """Let the evaluator's silence count as long."""
        self.context.overview._stale_after = 0.0

    @property
    def url(self):
        return f"{'https' if 'tls' in self.settings else 'http'}://127.0.0.1:{self.running.port}"

    async def visitor(self, **headers):
        """A page without a login."""
        jar = aiohttp.CookieJar(unsafe=True)
        # A test's own certificate; one that looks at it does so by itself.
        http = aiohttp.ClientSession(
            self.url, cookie_jar=jar, headers=headers, connector=aiohttp.TCPConnector(ssl=False)
        )
        await self.stack.enter_async_context(http)
        return Page(http)

    async def log_in(self, role="operator", password=PASSWORD):
        """A page of the user who has that role; the username is the role."""
        page = await self.visitor()
        status, body = await page.post("/api/auth/login", {"username": role, "password": password})
        assert status == 200, body
        page.csrf = body["csrf_token"]
        return page

    def bus(self):
        redis = connect_redis(self.redis_url)
        self.stack.push_async_callback(redis.aclose)
        return RedisBus(redis, self.clock)

    async def publish(self, *events, stream=ALERTS_STREAM):
        payloads = [event if isinstance(event, bytes) else event.encode() for event in events]
        return await self.bus().publish(stream, payloads, keep_seconds=86_400)

    async def sql(self, query, *args):
        connection = await asyncpg.connect(self.dsn)
        try:
            return await connection.fetch(query, *args)
        finally:
            await connection.close()

    async def recorded(self, count):
        """Wait until the record has that many alerts."""

        async def there():
            return len(await self.sql("SELECT 1 FROM alert_history")) == count

        await until(there)


# The real one takes a core for a moment on purpose; tests/unit/api/test_auth.py has it.
_HASHER = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


@functools.cache
def _password_hash():
    return _HASHER.hash(PASSWORD)


def _through(url, port):
    parts = urlsplit(url)
    user = f"{parts.username}@" if parts.username else ""
    return urlunsplit(parts._replace(netloc=f"{user}127.0.0.1:{port}"))


@pytest.fixture
async def stand(migrated_dsn, redis_url, tmp_path, monkeypatch):
    """Everything but the API itself, which a test starts as it wants it."""
    # Intervals that a person never notices and a test would only wait for.
    monkeypatch.setattr("services.api.live.hub.SESSION_CHECK_SECONDS", 0.2)
    monkeypatch.setattr("services.api.alerts.feed.RECORD_SECONDS", 0.2)
    monkeypatch.setattr(passwords, "_HASHER", _HASHER)
    monkeypatch.setattr(passwords, "_NOBODYS", _password_hash())
    async with AsyncExitStack() as stack:
        postgres, redis = (Cuttable(urlsplit(url).port) for url in (migrated_dsn, redis_url))
        evaluator = StandInEvaluator()
        for part in (postgres, redis, evaluator):
            await part.start()
            stack.push_async_callback(part.stop)
        yield Stand(stack, tmp_path, migrated_dsn, redis_url, postgres, redis, evaluator)


@pytest.fixture
async def api(stand):
    """A started API with a user for each role."""
    await _add_users(stand)
    await stand.start()
    await until(lambda: stand.running.ready() == "")
    return stand


@pytest.fixture
async def whole(stand):
    """A started API with a user for each role and a real notifier."""
    await _add_users(stand)
    stand.notifier_stack = await stand.start_notifier()
    await stand.start()
    await until(lambda: stand.running.ready() == "")
    return stand


async def _add_users(stand):
    await stand.sql(
        "INSERT INTO users (username, password_hash, role) SELECT role, $1, role FROM unnest($2::text[]) AS role",
        _password_hash(),
        ROLES,
    )
