from pathlib import Path

import pytest
from pydantic import SecretStr

from services.common.config import (
    ConfigError,
    ConfigFile,
    Listen,
    PostgresSettings,
    RedisSettings,
    StrictModel,
    read_secret,
    split_listen,
)
from services.common.durations import Duration


class Inner(StrictModel):
    name: str
    wait: Duration = 1.0


class Section(StrictModel):
    listen: Listen = "127.0.0.1:1"
    items: list[Inner] = []


def load(tmp_path, text, **environ):
    path = tmp_path / "tocsin.yml"
    path.write_text(text)
    return ConfigFile(path, environ=environ)


def test_shared_keys_and_a_section(tmp_path):
    file = load(
        tmp_path, "data_dir: d\nexternal_url: https://x\napi:\n  listen: 127.0.0.1:9\n  items: [{name: a, wait: 5s}]\n"
    )
    assert file.shared().external_url == "https://x"
    assert file.shared().data_dir == tmp_path / "d"
    assert file.shared().token_path == tmp_path / "d" / "secrets" / "service-token"
    section = file.section("api", Section)
    assert section.items[0].wait == 5
    assert file.section("notifier", Section) == Section()


def test_an_empty_file_means_the_defaults(tmp_path):
    assert load(tmp_path, "").shared().heartbeat_interval == 5


def test_variables_come_from_the_environment_and_dollars_of_others_stay(tmp_path):
    file = load(tmp_path, "redis: {url: 'redis://:${PASS}@h'}\napi: {items: [{name: '${1}$2'}]}\n", PASS="s3")
    assert file.shared().redis.resolve() == "redis://:s3@h"
    assert file.section("api", Section).items[0].name == "${1}$2"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a\n", "tocsin.yml:1:1: the file must be a mapping"),
        ("a: ]\n", "tocsin.yml:1:4:"),
        ("api:\n  listn: x\n", "tocsin.yml:2:3: api.listn: unknown key; known here: items, listen"),
        (
            "api:\n  items:\n    - name: a\n      wiat: 1s\n",
            "tocsin.yml:4:7: api.items.0.wiat: unknown key; known here: name, wait",
        ),
        ("api:\n  items: [{name: a, wait: soon}]\n", "api.items.0.wait: 'soon' is not a duration"),
        ("api: {listen: nowhere}\n", "'nowhere' is not an address to listen on"),
        ("api: {listen: '127.0.0.1:70000'}\n", "is not an address to listen on"),
        ("api: {items: [{name: '${MISSING}'}]}\n", "environment variable MISSING is not set"),
        ("postgres: {}\n", "tocsin.yml:1:1: postgres: give either dsn or dsn_file"),
        ("redis: {url: a, url_file: b}\n", "give either url or url_file"),
    ],
)
def test_mistakes_name_place_and_mend(tmp_path, text, message):
    with pytest.raises(ConfigError) as caught:
        file = load(tmp_path, text)
        file.shared()
        file.section("api", Section)
    assert message in str(caught.value)


def test_a_section_needs_its_own_variables_only(tmp_path):
    file = load(tmp_path, "external_url: http://x\napi: {items: [{name: '${MISSING}'}]}\n")
    assert file.shared().external_url == "http://x"
    assert file.section("notifier", Section) == Section()


def test_every_mistake_of_a_section_is_told_at_once(tmp_path):
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, "api: {listen: x, other: y}\n").section("api", Section)
    assert len(str(caught.value).splitlines()) == 2


def test_a_missing_file_is_a_config_error(tmp_path):
    with pytest.raises(ConfigError, match="can't be read"):
        ConfigFile(tmp_path / "none.yml")


def test_secrets_come_from_value_or_file(tmp_path):
    file = tmp_path / "secret"
    file.write_text("hush\n")
    assert read_secret(SecretStr("a"), None) == "a"
    assert read_secret(None, file) == "hush"
    assert read_secret(None, None) is None
    assert PostgresSettings(dsn_file=file).resolve() == "hush"
    assert RedisSettings(url=SecretStr("redis://h")).resolve() == "redis://h"
    with pytest.raises(ConfigError, match="the secret can't be read: No such file"):
        read_secret(None, Path("/nonexistent/file"))


def test_listen_addresses_are_split():
    assert split_listen("127.0.0.1:80") == ("127.0.0.1", 80)
    assert split_listen("[::1]:80") == ("::1", 80)
