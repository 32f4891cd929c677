import pytest
import yaml

from services.common.config import ConfigError, ConfigFile
from services.supervisor.effective import SERVICES, Draft, config_model, service_variables, write_effective
from services.supervisor.endpoints import Endpoint, postgres_dsn, redis_url
from services.supervisor.overrides import parse_overrides


@pytest.fixture
def write(tmp_path):
    def write(text, *overrides, **how):
        path = tmp_path / "tocsin.yml"
        path.write_text(text)
        return Draft.read(path, parse_overrides(overrides), **how)

    return write


def test_every_service_has_its_model_and_a_port_of_its_own(write):
    listens = write("").listens()
    assert set(listens) == {f"{service}.listen" for service in SERVICES}
    assert listens["api.listen"] == "127.0.0.1:8080"
    assert len(set(listens.values())) == len(SERVICES)
    assert all("listen" in config_model(service).model_fields for service in SERVICES)


def test_overrides_beat_the_file(write):
    draft = write("api: {listen: 127.0.0.1:1}", "api.listen=127.0.0.1:2", "evaluator.global.scrape_interval=1s")
    assert draft.listens()["api.listen"] == "127.0.0.1:2"
    assert draft.config.written["evaluator"] == {"global": {"scrape_interval": "1s"}}


@pytest.mark.parametrize("text", ["api.listen", "=1", "a..b=1", "a=[1", ".a=1"])
def test_a_bad_override_is_shown_with_the_right_form(text):
    with pytest.raises(ConfigError, match="--set"):
        parse_overrides([text])


def test_an_override_inside_what_is_no_mapping_is_told(write):
    with pytest.raises(ConfigError, match="api is not a mapping"):
        write("api: 3", "api.listen=x")


def test_the_data_folder_starts_at_the_file_or_is_given(write, tmp_path):
    assert write("data_dir: d").shared.data_dir == tmp_path / "d"
    assert write("data_dir: d", data_dir=tmp_path / "other").shared.data_dir == tmp_path / "other"


def test_mistakes_in_all_sections_are_told_at_once_with_their_place(write):
    draft = write("api:\n  lissten: x\ncollector:\n  targets: 3\n")
    with pytest.raises(ConfigError) as caught:
        draft.validate({})
    text = str(caught.value)
    assert "tocsin.yml:2:3: api.lissten: unknown key; known here:" in text
    assert "tocsin.yml:4:3: collector.targets" in text


def test_a_variable_is_looked_up_when_it_can_be(write):
    draft = write("external_url: ${TOCSIN_TEST_URL}")
    with pytest.raises(ConfigError, match="TOCSIN_TEST_URL is not set"):
        draft.validate({})
    draft.validate({"TOCSIN_TEST_URL": "http://x"})


def effective(draft, data, **how):
    path = write_effective(draft, data, **{"dsn": None, "url": None, **how})
    assert path.stat().st_mode & 0o777 == 0o600
    return yaml.safe_load(path.read_text()), path


def test_what_only_the_supervisor_knows_is_filled_in(write, data):
    draft = write("api: {listen: 0.0.0.0:1}\nnotifier: {listen: '[::1]:2'}\n")
    written, path = effective(draft, data, dsn="postgresql://x", url="redis://y")
    assert written["external_url"] == "http://127.0.0.1:1"
    assert written["evaluator"]["notifier_urls"] == ["http://[::1]:2"]
    assert written["api"]["collector_url"] == "http://127.0.0.1:9700"
    shared = ConfigFile(path).shared()
    assert (shared.postgres.resolve(), shared.redis.resolve()) == ("postgresql://x", "redis://y")
    assert shared.data_dir == data.root
    assert "postgresql://x" not in path.read_text()


def test_an_api_with_tls_is_reached_by_https(write, data):
    draft = write("api: {listen: 0.0.0.0:1, tls: {cert_file: c.pem, key_file: k.pem}}\n")
    written, _ = effective(draft, data)
    assert written["external_url"] == draft.dashboard == "https://127.0.0.1:1"
    assert draft.api_tls


TLS = "collector: {web_config_file: web/web.yml}\n"


def test_a_collector_with_tls_is_reached_by_https_and_its_own_certificate_trusted(write, data, tmp_path):
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "web.yml").write_text("tls_server_config: {cert_file: own.pem, key_file: own.key}\n")
    draft = write(TLS)
    assert draft.tls == {"collector"}
    api = effective(draft, data)[0]["api"]
    assert api["collector_url"] == "https://127.0.0.1:9700"
    assert api["collector_tls"] == {"ca_file": str(tmp_path / "web" / "own.pem"), "check_hostname": False}
    for mine in ("{collector_url: 'https://tocsin.example:9700'}", "{collector_tls: {ca_file: mine.pem}}"):
        api = effective(write(f"{TLS}api: {mine}\n"), data)[0]["api"]
        assert api.get("collector_tls") in (None, {"ca_file": "mine.pem"}), "what the person says is enough"


def test_a_collector_that_wants_certificates_is_told_from_others(write, tmp_path):
    (tmp_path / "web").mkdir()
    keys = "cert_file: own.pem, key_file: own.key, client_ca_file: ca.pem, client_auth_type: RequireAndVerifyClientCert"
    (tmp_path / "web" / "web.yml").write_text(f"tls_server_config: {{{keys}}}\n")
    assert write(TLS).mutual_tls == write(TLS).tls == {"collector"}
    assert write("{}").mutual_tls == frozenset()


@pytest.mark.parametrize("content", ["basic_auth_users: {}\n", "tls_server_config: 7\n", None])
def test_a_web_configuration_without_tls_or_with_a_mistake_leaves_http(write, data, tmp_path, content):
    (tmp_path / "web").mkdir()
    if content is not None:
        (tmp_path / "web" / "web.yml").write_text(content)
    draft = write(TLS)
    assert draft.tls == frozenset()
    assert effective(draft, data)[0]["api"]["collector_url"] == "http://127.0.0.1:9700"


def test_what_the_person_wrote_stays(write, data):
    draft = write("external_url: https://tocsin.example\nevaluator: {notifier_urls: [http://elsewhere]}\n")
    written, _ = effective(draft, data)
    assert written["external_url"] == "https://tocsin.example"
    assert written["evaluator"]["notifier_urls"] == ["http://elsewhere"]
    assert draft.dashboard == "https://tocsin.example"


def test_variables_stay_variables_on_disk(write, data, monkeypatch):
    monkeypatch.setenv("TOCSIN_TEST_SECRET", "hush")
    draft = write("notifier: {config: {global: {smtp_auth_password: '${TOCSIN_TEST_SECRET}'}}}")
    _, path = effective(draft, data)
    assert "hush" not in path.read_text()
    assert "${TOCSIN_TEST_SECRET}" in path.read_text()


def test_relative_secret_files_are_found_from_anywhere(write, data, tmp_path):
    (tmp_path / "dsn").write_text("postgresql://mine\n")
    (tmp_path / "url").write_text("redis://mine\n")
    draft = write("postgres: {dsn_file: dsn}\nredis: {url_file: url}\nservice_token_file: token\n")
    written, path = effective(draft, data)
    assert ConfigFile(path).shared().postgres.resolve() == "postgresql://mine"
    assert written["redis"]["url_file"] == str(tmp_path / "url")
    assert written["service_token_file"] == str(tmp_path / "token")


def test_files_may_refer_to_the_services_addresses(write, tmp_path):
    variables = service_variables(write("collector: {listen: 0.0.0.0:5}").listens(), tmp_path)
    assert variables["TOCSIN_COLLECTOR"] == "127.0.0.1:5"
    assert variables["TOCSIN_API"] == "127.0.0.1:8080"
    assert variables["TOCSIN_DATA_DIR"] == str(tmp_path)


def test_passwords_are_quoted_in_urls():
    endpoint = Endpoint.of("127.0.0.1:5")
    assert postgres_dsn(endpoint, "shop", "p@/:", "shop") == "postgresql://shop:p%40%2F%3A@127.0.0.1:5/shop"
    assert redis_url(Endpoint.of("[::]:6"), "p@", 2) == "redis://:p%40@[::1]:6/2"
