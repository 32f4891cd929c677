import ssl
from pathlib import Path

import pytest
from pydantic import ValidationError

from services.common.config import ConfigError
from services.evaluator.config import EvaluatorConfig
from services.evaluator.scrape.config import GlobalConfig, ScrapeConfig
from services.evaluator.scrape.http_settings import TlsConfig
from services.evaluator.scrape.jobs import load_jobs
from services.evaluator.scrape.sizes import parse_size


def job(**keys):
    return ScrapeConfig.model_validate({"job_name": "j", **keys})


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"http_sd_configs": [{"url": "ftp://x"}]}, "is not a URL"),
        ({"http_sd_configs": [{"url": "http://x", "refresh": "5s"}]}, "Extra inputs"),
        ({"consul_sd_configs": []}, "Tocsin does not do it yet"),
        ({"scrape_failure_log_file": "x"}, "does not do it yet"),
        ({"scrape_protocols": ["PrometheusText9"]}, "PrometheusText0.0.4"),
        ({"kubernetes_sd_configs": [{}]}, "Tocsin does not do it yet"),
        ({"scrape_native_histograms": True}, "native histograms"),
        ({"scrape_intervall": "5s"}, "Extra inputs"),
        ({"scrape_interval": "1s", "scrape_timeout": "2s"}, "longer than scrape_interval"),
        ({"scrape_interval": 0}, "greater than 0"),
        ({"static_configs": [{"targets": ["http://h:1/metrics"]}]}, "is not host:port"),
        ({"file_sd_configs": [{"files": ["x.txt"]}]}, "must end in"),
        ({"basic_auth": {"username": "u"}, "authorization": {"credentials": "x"}}, "exclude each other"),
        ({"basic_auth": {"password": "a", "password_file": "b"}}, "either password"),
        ({"basic_auth": {"username": "a", "username_file": "b"}}, "either username"),
        ({"authorization": {"type": "Basic"}}, "use basic_auth"),
        ({"authorization": {"credentials": "a", "credentials_file": "b"}}, "either credentials"),
        ({"tls_config": {"cert_file": "x"}}, "given together"),
        ({"body_size_limit": "much"}, "is not a size"),
    ],
)
def test_refused(keys, words):
    with pytest.raises(ValidationError, match=words):
        job(**keys)


def test_keys_that_ask_for_what_we_do_anyway_are_taken():
    job(
        scrape_native_histograms=False, always_scrape_classic_histograms=True, scrape_classic_histograms=True,
        convert_classic_histograms_to_nhcb=False, native_histogram_bucket_limit=100, enable_http2=True,
        scrape_protocols=["PrometheusProto", "OpenMetricsText1.0.0"], keep_dropped_targets=5,
        http_sd_configs=[{"url": "http://h:1/t", "refresh_interval": "1m", "basic_auth": {"username": "u"}}],
    )  # fmt: skip


def test_defaults_come_from_global():
    defaults = GlobalConfig.model_validate({"scrape_interval": "5s", "sample_limit": 7, "body_size_limit": "1MB"})
    filled = job().with_defaults(defaults)
    assert (filled.scrape_interval, filled.scrape_timeout, filled.sample_limit, filled.body_size_limit) == (
        5,
        5,
        7,
        2**20,
    )
    assert job(scrape_interval="1m", sample_limit=1).with_defaults(defaults).timing() == (60, 10)
    assert job().timing() == (5, 5)


@pytest.mark.parametrize(
    ("text", "size"), [(5, 5), ("5", 5), ("10B", 10), ("1.5KB", 1536), ("2MiB", 2 << 20), ("1GB", 1 << 30)]
)
def test_sizes(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "-1", -1, True, "1 parsec", None])
def test_bad_sizes(text):
    with pytest.raises(ValueError, match="is not a size"):
        parse_size(text)


@pytest.mark.parametrize(
    ("keys", "header"),
    [
        ({"basic_auth": {"username": "u", "password_file": "secret"}}, "Basic dTpzM2NyZXQ="),
        ({"basic_auth": {"username_file": "secret", "password": "p"}}, "Basic czNjcmV0OnA="),
        ({"authorization": {"type": "Token", "credentials": "x"}}, "Token x"),
        ({"bearer_token_file": "secret"}, "Bearer s3cret"),
        ({"bearer_token": "y"}, "Bearer y"),
        ({"http_headers": {"Authorization": {"values": ["a"], "secrets": ["b"], "files": ["secret"]}}}, "a, b, s3cret"),
    ],
)
def test_credentials(tmp_path, keys, header):
    (tmp_path / "secret").write_text("s3cret\n")
    assert job(**keys).headers(tmp_path)["Authorization"] == header


def test_a_secret_that_can_not_be_read_names_its_file(tmp_path):
    with pytest.raises(ConfigError, match=r"missing.*can't be read"):
        job(bearer_token_file="missing").headers(tmp_path)


def test_tls(tmp_path):
    context = TlsConfig(insecure_skip_verify=True, min_version="TLS13", max_version="TLS13").context(tmp_path)
    assert (context.verify_mode, context.minimum_version) == (ssl.CERT_NONE, ssl.TLSVersion.TLSv1_3)
    with pytest.raises(ConfigError, match="tls_config"):
        TlsConfig(ca_file=Path("missing.pem")).context(tmp_path)


def evaluator(**keys):
    return EvaluatorConfig.model_validate(keys)


def test_evaluator_settings():
    config = evaluator(**{"global": {"external_labels": {"n": 1}}})
    assert config.global_.external_labels == {"n": "1"}
    for keys, words in (
        ({"scrape_configs": [{"job_name": "a"}, {"job_name": "a"}]}, "stands twice"),
        ({"notifier_urls": ["127.0.0.1"]}, "is not a URL"),
        ({"retain": "some"}, "pattern"),
    ):
        with pytest.raises(ValidationError, match=words):
            evaluator(**keys)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("scrape_configs: [}", "jobs.yml:1"),
        ("scrape_configs:\n- job_name: a\n  gce_sd_configs: []\n", "jobs.yml:3:3: .*does not do it yet"),
        ("scrape_configs:\n- job_name: main\n", "stands twice"),
    ],
)
def test_job_files_name_file_and_line(tmp_path, text, words):
    (tmp_path / "jobs.yml").write_text(text)
    config = evaluator(scrape_configs=[{"job_name": "main"}], scrape_config_files=["jobs.yml"])
    with pytest.raises(ConfigError, match=words):
        load_jobs(config, tmp_path)


def test_job_files_as_an_sre_leaves_them(tmp_path):
    (tmp_path / "jobs.yml").write_text("""scrape_configs:
- job_name: 5
  scrape_interval:
  relabel_configs:
  static_configs:
  - targets: [h:1]
    labels: {on: yes, version: 1.10, since: 2020-01-01, none: }
  - targets: [h:2]
    labels:
  params: {n: [1, yes]}
  honor_labels: yes
  follow_redirects: off
  sample_limit: 1_0
  basic_auth:
  scrape_native_histograms: no
""")
    (job,) = load_jobs(evaluator(scrape_config_files=["jobs.yml"]), tmp_path)
    assert job.job_name == "5"
    assert job.static_configs[0].labels == {"on": "yes", "version": "1.10", "since": "2020-01-01", "none": ""}
    assert job.static_configs[1].labels == {}
    assert (job.params, job.honor_labels, job.follow_redirects) == ({"n": ["1", "yes"]}, True, False)
    assert (job.timing(), job.sample_limit, job.relabel_configs, job.basic_auth) == ((5, 5), 10, [], None)
