"""Configuration by environment: what is accepted, what is refused, and that keys stay hidden."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from pipeline.settings import PROJECT, Settings


@pytest.fixture(autouse=True)
def _nothing_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LEADLINE_HOME", "LEADLINE_UPSTREAM", "LEADLINE_CA_BUNDLE", "LEADLINE_KEY_COINGLASS"):
        monkeypatch.delenv(name, raising=False)


def test_nothing_needs_to_be_configured() -> None:
    settings = Settings(_env_file=None)
    assert settings.home == PROJECT / "data"
    assert settings.upstream is None
    assert settings.key("treasury") is None


def test_a_key_is_read_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADLINE_KEY_COINGLASS", " s3cret ")
    settings = Settings(_env_file=None)
    assert settings.key("coinglass") == "s3cret"
    assert "s3cret" not in f"{settings!r} {settings} {settings.model_dump_json()}"


def test_an_empty_key_is_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADLINE_KEY_COINGLASS", "  ")
    assert Settings(_env_file=None).key("coinglass") is None


@pytest.mark.parametrize(
    "address", ["http://example.org", "https://127.0.0.1:1", "127.0.0.1:8321", "http://10.0.0.1:80"]
)
def test_an_upstream_off_this_machine_is_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADLINE_UPSTREAM", address)
    with pytest.raises(ValidationError, match="on this machine"):
        Settings(_env_file=None)


def test_a_missing_ca_bundle_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADLINE_CA_BUNDLE", str(tmp_path / "none.pem"))
    with pytest.raises(ValidationError, match="no file"):
        Settings(_env_file=None)


def test_a_dotenv_file_counts_less_than_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text(f"LEADLINE_HOME={tmp_path / 'a'}\nLEADLINE_UPSTREAM=http://127.0.0.1:8321/\n")
    monkeypatch.setenv("LEADLINE_HOME", str(tmp_path / "b"))
    settings = Settings(_env_file=dotenv)
    assert settings.home == tmp_path / "b"
    assert settings.upstream == "http://127.0.0.1:8321"
