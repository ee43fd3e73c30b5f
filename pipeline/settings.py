"""What a person configures, by environment or `.env`. Read when a run starts, never at import; keys never printed."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT = Path(__file__).resolve().parent.parent
DOTENV = PROJECT / ".env"
LOOPBACK = ("127.0.0.1", "::1", "localhost")
KEY_PREFIX = "LEADLINE_KEY_"


def _configured_keys() -> dict[str, SecretStr]:
    """Keys by provider name. Their names follow from the declared providers, so they cannot be fields."""
    found: dict[str, str | None] = {**dotenv_values(DOTENV), **os.environ}
    return {
        name.removeprefix(KEY_PREFIX).lower(): SecretStr(value.strip())
        for name, value in found.items()
        if name.startswith(KEY_PREFIX) and value and value.strip()
    }


class Settings(BaseSettings):
    """Where the data lives, whom to ask and with which keys."""

    model_config = SettingsConfigDict(
        env_prefix="LEADLINE_", env_file=DOTENV, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True
    )

    home: Path = PROJECT / "data"
    upstream: str | None = None
    ca_bundle: Path | None = None
    site_url: str = ""  # the address that the site is published under, for canonical links and feeds
    alert_url: SecretStr | None = None  # apprise addresses; they hold passwords and tokens
    ping_url: SecretStr | None = None  # asked after each publication; who watches it misses one
    keys: Mapping[str, SecretStr] = Field(default_factory=_configured_keys)
    bitcoin_rpc: str | None = None  # the address of a Bitcoin Core node, without name or password
    bitcoin_cookie: Path | None = None
    bitcoin_user: str | None = None
    bitcoin_password: SecretStr | None = None
    esplora: bool = False  # follow the chain over Blockstream's public Esplora server: slow, see docs/chain.md
    cost_basis_bin_usd: int = Field(default=500, ge=1)
    without_self_transfers: bool = False
    without_migrations: bool = False

    @field_validator("home")
    @classmethod
    def _absolute(cls, home: Path) -> Path:
        try:
            found = home.expanduser().resolve()
        except (OSError, RuntimeError) as error:
            raise ValueError(f"is no folder that can be reached ({error})") from error
        if found.exists() and not found.is_dir():
            raise ValueError("is a file, where a folder is needed")
        if not str(found).isprintable():
            raise ValueError("has control characters in it")
        return found

    @field_validator("upstream")
    @classmethod
    def _loopback(cls, upstream: str | None) -> str | None:
        if upstream is None:
            return None
        address = urlsplit(upstream)
        if address.scheme != "http" or address.hostname not in LOOPBACK or address.username is not None:
            raise ValueError(
                "a stand-in upstream runs on this machine, so it must be like http://127.0.0.1:8321, without a password"
            )
        return upstream.rstrip("/")

    @field_validator("site_url")
    @classmethod
    def _web_address(cls, site_url: str) -> str:
        if site_url and urlsplit(site_url).scheme not in {"http", "https"}:
            raise ValueError(f"LEADLINE_SITE_URL is {site_url!r}; it must be like https://example.org/leadline/")
        return site_url

    @field_validator("ca_bundle")
    @classmethod
    def _existing(cls, ca_bundle: Path | None) -> Path | None:
        if ca_bundle is not None and not ca_bundle.is_file():
            raise ValueError(f"LEADLINE_CA_BUNDLE names {ca_bundle}, which is no file")
        return ca_bundle

    def key(self, provider: str) -> str | None:
        """The key of a provider, None when none is configured."""
        secret = self.keys.get(provider)
        return secret.get_secret_value() if secret else None


@contextmanager
def environment(**wanted: str) -> Iterator[None]:
    """Environment variables of this process for the length of a block: how a command says what it was told."""
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
