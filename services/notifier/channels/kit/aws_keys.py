"""Alertmanager's `sigv4`: whose keys requests to AWS are signed with, and where they are kept."""

import configparser
import re
from collections.abc import Mapping
from pathlib import Path

from pydantic import Field, SecretStr, model_validator

from services.common.config import ConfigError, StrictModel
from services.notifier.channels.kit.integration import at_most_one, check_url, read_key
from services.notifier.channels.kit.sigv4 import Keys
from services.notifier.shown import OWN

_REGION = re.compile(r"[a-z0-9-]+")
_OTHER_WAYS = ("role_arn", "credential_process", "credential_source", "sso_session", "sso_start_url")


class Sigv4Config(StrictModel):
    """`sigv4`; what it leaves out is taken from the environment's AWS_* and the profile."""

    region: str = ""
    access_key: str = ""
    secret_key: SecretStr | None = None
    secret_key_file: Path | None = Field(default=None, json_schema_extra=OWN)
    profile: str = ""
    role_arn: str = ""
    external_id: str = ""
    use_fips_sts_endpoint: bool = False
    sts_url: str = Field(default="", json_schema_extra=OWN)
    """Where `role_arn` is asked for, in place of the region's own endpoint: a VPC's."""

    @model_validator(mode="after")
    def _pair(self) -> "Sigv4Config":
        at_most_one(self, "secret_key", "secret_key_file")
        if bool(self.access_key) != bool(self.secret_key or self.secret_key_file):
            raise ValueError("give access_key and secret_key (or secret_key_file) together, or neither")
        if self.region and not _REGION.fullmatch(self.region):
            raise ValueError(f"region {self.region!r} is none; write it like eu-central-1")
        if self.sts_url:
            check_url(self.sts_url, "sts_url")
        return self


class KeySource:
    """Reads the keys anew each time: tools that renew them write them to the same file."""

    def __init__(self, config: Sigv4Config, base: Path, environ: Mapping[str, str]) -> None:
        self._config, self._base, self._environ = config, base, environ
        self._profile = config.profile or environ.get("AWS_PROFILE", "default")
        self.region = self._region()

    def keys(self) -> Keys:
        """Return the keys in force; raises ConfigError that says where they were looked for.

        The order is that of Amazon's own clients: the configuration, a profile that it names, the environment, the
        profile that the environment names or `default`.
        """
        config, environ = self._config, self._environ
        if config.access_key:
            return Keys(config.access_key, read_key(config.secret_key, config.secret_key_file, self._base))
        access, secret = environ.get("AWS_ACCESS_KEY_ID", ""), environ.get("AWS_SECRET_ACCESS_KEY", "")
        if not config.profile and access and secret:
            return Keys(access, secret, environ.get("AWS_SESSION_TOKEN", ""))
        return self._of_profile()

    def _of_profile(self) -> Keys:
        file = self._file("AWS_SHARED_CREDENTIALS_FILE", "credentials")
        values = {
            **self._section("AWS_CONFIG_FILE", "config"),
            **self._section("AWS_SHARED_CREDENTIALS_FILE", "credentials"),
        }
        access, secret = values.get("aws_access_key_id", ""), values.get("aws_secret_access_key", "")
        if access and secret:
            return Keys(access, secret, values.get("aws_session_token", ""))
        if way := next((name for name in _OTHER_WAYS if name in values), ""):
            raise ConfigError(
                f"profile {self._profile!r} gets its keys by {way}, which is not supported; name a profile with keys"
                " (and a role as sigv4.role_arn)"
            )
        raise ConfigError(
            f"no keys for AWS: set sigv4.access_key and secret_key, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in"
            f" the environment, or write them as profile {self._profile!r} to {file}"
        )

    def _region(self) -> str:
        named = self._config.region or self._environ.get("AWS_REGION") or self._environ.get("AWS_DEFAULT_REGION")
        region = named or self._section("AWS_CONFIG_FILE", "config").get("region", "")
        if not _REGION.fullmatch(region):
            raise ConfigError("no region; set sigv4.region, or AWS_REGION in the environment")
        return region

    def _file(self, variable: str, name: str) -> Path:
        given = self._environ.get(variable)
        return Path(given) if given else Path(self._environ.get("HOME", "/")) / ".aws" / name

    def _section(self, variable: str, name: str) -> dict[str, str]:
        """Return the profile's values in one of the two files, none where it has no such file or profile."""
        file = self._file(variable, name)
        parser = configparser.ConfigParser(interpolation=None, strict=False)
        try:
            parser.read_string(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise ConfigError(f"{file}: can't be read: {error.strerror}") from error
        except (configparser.Error, UnicodeDecodeError) as error:
            # Its text may repeat a line of the file, which may be a secret.
            raise ConfigError(f"{file}: is not in the form of AWS' files: [profile], then key = value") from error
        for section in (self._profile, f"profile {self._profile}"):
            if parser.has_section(section):
                return dict(parser[section])
        return {}
