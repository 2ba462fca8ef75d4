"""What an operator may write into the environment."""

import os
from datetime import timedelta
from ipaddress import ip_network

import pytest
from pydantic import ValidationError

from runtime.settings import Settings, SettingsInvalid, read


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in [name for name in os.environ if name.startswith("PERDURE_")]:
        monkeypatch.delenv(variable)


def test_every_setting_has_a_default_that_works_beside_a_local_server() -> None:
    settings = read()
    assert settings.temporal_address == "127.0.0.1:7233"
    assert settings.egress_allow == ()


def test_lists_and_spans_are_written_as_people_write_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERDURE_EGRESS_ALLOW", "10.1.0.0/16, ::1")
    monkeypatch.setenv("PERDURE_GRACEFUL_SHUTDOWN", "45")
    assert read().egress_allow == (ip_network("10.1.0.0/16"), ip_network("::1"))
    assert read().graceful_shutdown == timedelta(seconds=45)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PERDURE_TEMPORAL_ADDRESS", "hunter2"),
        ("PERDURE_EGRESS_ALLOW", "10.0.0.0/8,hunter2"),
        ("PERDURE_MAX_ACTIVITIES", "hunter2"),
        ("PERDURE_GRACEFUL_SHUTDOWN", "hunter2"),
        ("PERDURE_LOG_LEVEL", "hunter2"),
        ("PERDURE_QUEUE", ""),
        ("PERDURE_API_PORT", "hunter2"),
        ("PERDURE_TEMPORAL_UI_URL", "hunter2"),
        ("PERDURE_DATABASE_URL", "hunter2"),
        ("PERDURE_DATABASE_URL", "mysql://app:hunter2@127.0.0.1/perdure"),
        ("PERDURE_MIGRATION_URL", "postgresql://app:hunter2@127.0.0.1"),
    ],
)
def test_a_bad_value_is_told_by_its_variable_and_never_shown(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsInvalid) as refused:
        read()
    assert refused.value.message.startswith(f"{variable}: ")
    assert "hunter2" not in refused.value.message
    assert refused.value.__suppress_context__


def test_all_bad_values_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERDURE_MAX_ACTIVITIES", "0")
    monkeypatch.setenv("PERDURE_MAX_WORKFLOW_TASKS", "many")
    with pytest.raises(SettingsInvalid) as refused:
        read()
    assert len(refused.value.message.splitlines()) == 2


def test_secrets_do_not_show_when_settings_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERDURE_DATABASE_URL", "postgresql://perdure_app:hunter2@127.0.0.1:5432/perdure")
    monkeypatch.setenv("PERDURE_MASTER_KEY", "hunter2")
    settings = read()
    assert settings.database_url is not None
    assert "hunter2" not in repr(settings) + str(settings)


def test_settings_never_change() -> None:
    settings = Settings()
    with pytest.raises(ValidationError):
        settings.queue = "other"
