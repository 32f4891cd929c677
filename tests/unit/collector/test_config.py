from pathlib import Path

import pytest

from services.collector.config import CollectorConfig
from services.collector.sources import KINDS
from services.collector.sources.postgres import registry
from services.common.config import ConfigError, ConfigFile

SOURCES = Path(__file__).parents[3] / "services" / "collector" / "sources"


def load(tmp_path: Path, text: str, **environ: str) -> CollectorConfig:
    (tmp_path / "tocsin.yml").write_text(text)
    return ConfigFile(tmp_path / "tocsin.yml", environ=environ).section("collector", CollectorConfig)


def test_folder_and_registry_agree() -> None:
    found = {path.stem for path in SOURCES.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert found - {"__init__", "base", "probed", "__pycache__"} == {kind.key for kind in KINDS}


def test_postgres_collectors_have_names_of_their_own_and_files_in_the_registry() -> None:
    names = [collector.name for collector in registry.COLLECTORS]
    assert len(names) == len(set(names))
    folder = SOURCES / "postgres"
    with_collectors = {path.stem for path in folder.glob("*.py") if "COLLECTORS = (" in path.read_text()}
    assert with_collectors == {collector.work.__module__.rpartition(".")[2] for collector in registry.COLLECTORS}


def test_the_whole_section(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        """
collector:
  listen: 127.0.0.1:9700
  targets:
    fastapi: [{name: shop, metrics_url: "http://shop/metrics", health_url: "http://shop/health"}]
    postgres: [{name: db, dsn: "${DSN}", password_file: secret, disk_size: 1e9}]
    redis: [{name: cache, url: "redis://cache"}]
    celery: [{name: jobs, broker_url: "redis://u:hidden-word@cache/1", queues: [celery, mail], heartbeat_interval: 2s}]
    websocket: [{name: feed, url: "ws://shop/ws", ping_message: ping, expect: pong}]
    http: [{name: gateway, url: "https://status.example/"}]
  probe: {allowed_targets: ["http://shop/*"]}
""",
        DSN="postgresql://me:hidden-word@db/app",
    )
    pairs = list(config.targets.pairs())
    assert [(key, target.name) for key, target in pairs] == [
        ("fastapi", "shop"), ("postgres", "db"), ("redis", "cache"), ("celery", "jobs"), ("websocket", "feed"),
        ("http", "gateway"),
    ]  # fmt: skip
    kinds = {kind.key: kind for kind in KINDS}
    addresses = {key: kinds[key].address(target) for key, target in pairs}
    assert addresses["postgres"] == "db/app"
    assert addresses["celery"] == "redis://cache/1"
    assert "hidden-word" not in repr(config)


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ("redis: [{name: a, url: 'http://x'}]", "not a Redis URL"),
        ("redis: [{name: a b, url: 'redis://x'}]", "pattern"),
        ("redis: [{name: a, url: 'redis://x', usr: y}]", "unknown key"),
        ("redis: [{name: a, url: 'redis://x'}, {name: a, url: 'redis://y'}]", "stands twice in redis"),
        ("postgres: [{name: a}]", "either dsn or host"),
        ("postgres: [{name: a, dsn: 'postgresql://x', host: y}]", "either dsn or host"),
        ("postgres: [{name: a, dsn: 'mysql://x'}]", "not one of PostgreSQL"),
        ("celery: [{name: a, broker_url: 'sqs://x'}]", "neither a Redis nor a RabbitMQ broker"),
        ("celery: [{name: a, broker_url: 'redis://x', queues: []}]", "at least 1"),
        ("fastapi: [{name: a}]", "metrics_url, health_url or both"),
        ("fastapi: [{name: a, metrics_url: 'ftp://x'}]", "not an address"),
        ("fastapi: [{name: a, metrics_url: 'http://u:p@x/'}]", "must not carry user or password"),
        ("websocket: [{name: a, url: 'http://x/'}]", "ws://host"),
        ("websocket: [{name: a, url: 'ws://x/', expect: '('}]", "not a regular expression"),
        ("{websocket: [{name: a, url: 'ws://x/'}], http: [{name: a, url: 'http://x/'}]}", "in websocket and in http"),
    ],
)
def test_mistakes_are_named_with_file_and_line(tmp_path: Path, targets: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        load(tmp_path, f"collector:\n  targets:\n    {targets}\n")
    assert "tocsin.yml:3:" in str(caught.value) or "tocsin.yml:2:" in str(caught.value)


@pytest.mark.parametrize(
    "pattern", ["*", "http://*", "http://*/x", "shop/*", "http://a@b/*", "http://shop/*/x", "http://"]
)
def test_allowed_targets_name_their_server(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(ConfigError, match="too wide"):
        load(tmp_path, f"collector:\n  probe: {{allowed_targets: ['{pattern}']}}\n")


def test_what_a_pattern_allows(tmp_path: Path) -> None:
    probe = load(tmp_path, "collector: {probe: {allowed_targets: ['http://shop:80/*', 'http://one/x']}}").probe
    assert probe.allows("http://shop:80/a/b")
    assert probe.allows("http://one/x")
    for url in ("http://shop:80", "http://shop:8000/", "http://shop:80.evil/", "http://one/x/y", "https://shop:80/a"):
        assert not probe.allows(url), url


def test_a_module_is_of_one_kind(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="give a prober: one of http, websocket"):
        load(tmp_path, "collector: {probe: {modules: {x: {http: {}, websocket: {}}}}}")
