"""Where the keys for AWS are found, and what is said when they are not."""

import pytest

from services.common.config import ConfigError
from services.notifier.channels.kit.aws_keys import KeySource, Sigv4Config
from services.notifier.channels.kit.sigv4 import Keys

FILE = """[default]
aws_access_key_id = AKDEFAULT
aws_secret_access_key = s3cret-default

[ops]
aws_access_key_id=AKOPS
aws_secret_access_key=s3cret%ops
aws_session_token=t0ken==
"""
CONFIG = "[default]\nregion = us-east-1\n[profile ops]\nregion=eu-west-1\n[profile sso]\nsso_session = corp\n"
ENVIRONMENT = {"AWS_ACCESS_KEY_ID": "AKENV", "AWS_SECRET_ACCESS_KEY": "s3cret-env", "AWS_SESSION_TOKEN": "t0ken-env"}


@pytest.fixture
def home(tmp_path):
    folder = tmp_path / "home" / ".aws"
    folder.mkdir(parents=True)
    (folder / "credentials").write_text(FILE, encoding="utf-8")
    (folder / "config").write_text(CONFIG, encoding="utf-8")
    return {"HOME": str(tmp_path / "home")}


def source(tmp_path, environ, **config):
    return KeySource(Sigv4Config.model_validate(config), tmp_path, environ)


def test_the_configuration_comes_first(tmp_path, home):
    found = source(tmp_path, {**home, **ENVIRONMENT}, access_key="AK", secret_key="s3cret", region="eu-central-1")
    assert (found.keys(), found.region) == (Keys("AK", "s3cret"), "eu-central-1")
    (tmp_path / "secret").write_text("from-file\n", encoding="utf-8")
    assert source(tmp_path, home, access_key="AK", secret_key_file="secret").keys() == Keys("AK", "from-file")


def test_a_named_profile_comes_before_the_environment(tmp_path, home):
    ops = Keys("AKOPS", "s3cret%ops", "t0ken==")
    found = source(tmp_path, {**home, **ENVIRONMENT}, profile="ops")
    assert (found.keys(), found.region) == (ops, "eu-west-1")
    found = source(tmp_path, {**home, **ENVIRONMENT})
    assert (found.keys(), found.region) == (Keys("AKENV", "s3cret-env", "t0ken-env"), "us-east-1")
    assert source(tmp_path, {**home, "AWS_PROFILE": "ops"}).keys() == ops
    assert source(tmp_path, home).keys() == Keys("AKDEFAULT", "s3cret-default")


@pytest.mark.parametrize(
    ("environ", "region"),
    [
        ({"AWS_REGION": "eu-north-1", "AWS_DEFAULT_REGION": "x"}, "eu-north-1"),
        ({"AWS_DEFAULT_REGION": "eu-south-1"}, "eu-south-1"),
    ],
)
def test_the_environments_region(tmp_path, home, environ, region):
    assert source(tmp_path, {**home, **environ}).region == region


def test_files_elsewhere_are_read_anew_each_time(tmp_path, home):
    (tmp_path / "c").write_text(CONFIG + "aws_access_key_id=AKC\naws_secret_access_key=c", encoding="utf-8")
    environ = {**home, "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "k"), "AWS_CONFIG_FILE": str(tmp_path / "c")}
    # Keys may stand in the configuration, too.
    assert source(tmp_path, environ, profile="sso", region="eu-west-1").keys() == Keys("AKC", "c")
    (tmp_path / "k").write_text(FILE, encoding="utf-8")
    found = source(tmp_path, environ)
    assert found.keys().access == "AKDEFAULT"
    (tmp_path / "k").write_text(FILE.replace("AKDEFAULT", "AKNEW"), encoding="utf-8")
    assert found.keys().access == "AKNEW"


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"profile": "none", "region": "eu-west-1"}, "write them as profile 'none' to .*home/.aws/credentials"),
        ({"profile": "sso", "region": "eu-west-1"}, "gets its keys by sso_session"),
        ({"access_key": "a", "secret_key_file": "nowhere"}, "can't be read"),
    ],
)
def test_no_keys(tmp_path, home, config, said):
    with pytest.raises(ConfigError, match=said):
        source(tmp_path, home, **config).keys()


def test_no_region(tmp_path):
    for environ in ({"HOME": str(tmp_path)}, {"HOME": str(tmp_path), "AWS_REGION": "evil.example.com/"}):
        with pytest.raises(ConfigError, match=r"no region; set sigv4\.region"):
            source(tmp_path, environ)


def test_a_broken_file_is_named_and_not_repeated(tmp_path, home):
    path = tmp_path / "home" / ".aws" / "credentials"
    for text in (b"aws_secret_access_key = s3cret-line\n", b"[x]\ns3cret-line \xff\n"):
        path.write_bytes(text)
        with pytest.raises(ConfigError, match="credentials: is not in the form") as caught:
            source(tmp_path, home).keys()
        assert "s3cret-line" not in str(caught.value)
    path.unlink()
    path.mkdir()
    with pytest.raises(ConfigError, match="credentials: can't be read"):
        source(tmp_path, home).keys()


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"access_key": "a"}, "together"), ({"secret_key": "s3cret"}, "together"),
        ({"access_key": "a", "secret_key": "b", "secret_key_file": "c"}, "at most one"),
        ({"region": "https://x"}, "is none; write it like eu-central-1"),
        ({"sts_url": "sts.internal"}, "sts_url must begin with"), ({"secret": "x"}, "Extra inputs"),
    ],
)  # fmt: skip
def test_the_sections_mistakes(config, said):
    with pytest.raises(ValueError, match=said):
        Sigv4Config.model_validate(config)
