"""What an operator can set, read once from the environment when a process starts."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, IPvAnyNetwork, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from dag.errors import PerdureError


class SettingsInvalid(PerdureError):
    """A setting has a value that cannot be used."""


def split(value: object) -> object:
    """Read `a, b` as a list: nobody writes JSON into an environment variable gladly."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def seconds(value: object) -> object:
    """Read `30` as thirty seconds; ISO 8601 is read too."""
    return float(value) if isinstance(value, str) and value.strip().isdecimal() else value


def postgres(url: SecretStr) -> SecretStr:
    """Refuse what is no URL of a database, without showing it: there is a password in it."""
    parts = urlsplit(url.get_secret_value())
    if parts.scheme not in {"postgresql", "postgres"} or not parts.path.strip("/"):
        raise ValueError("write it as postgresql://role:password@host:5432/database")
    return url


PostgresUrl = Annotated[SecretStr, AfterValidator(postgres)]


class Settings(BaseSettings):
    """Each field is the environment variable PERDURE_<FIELD>."""

    model_config = SettingsConfigDict(env_prefix="PERDURE_", frozen=True, hide_input_in_errors=True)

    temporal_address: str = Field(default="127.0.0.1:7233", pattern=r"^[^\s/]+:\d{1,5}$")
    """Host and port of Temporal's frontend."""
    temporal_namespace: str = Field(default="default", min_length=1)
    """One per environment."""
    queue: str = Field(default="perdure", min_length=1)
    """The Temporal task queue of executions and their activities."""
    temporal_ui_url: str | None = Field(default=None, pattern=r"^https?://\S+$")
    """Where people find Temporal's Web UI, for links to it."""
    database_url: PostgresUrl | None = None
    """The database, as the role `perdure_app`: `postgresql://perdure_app:password@host:5432/perdure`."""
    migration_url: PostgresUrl | None = None
    """The same database as the role `perdure_migrator`; only `perdure migrate` and `perdure up` ask for it."""
    master_key: SecretStr | None = None
    """What all that tenants own is encrypted under: 32 bytes in base64. Further lines are older keys, which still
    open what they sealed. Whoever loses it loses everything."""
    master_key_file: Path | None = None
    """A file that holds the master key, where the variable itself is not set."""
    api_host: str = Field(default="127.0.0.1", min_length=1)
    """The address that the API listens on."""
    api_port: int = Field(default=8080, ge=0, le=65_535)
    """The port that the API listens on."""
    api_requests_per_second: int = Field(default=500, ge=1, le=1_000_000)
    """What one tenant may ask of one API process; twice as many at once."""
    api_origins: Annotated[tuple[str, ...], NoDecode, BeforeValidator(split)] = ()
    """Pages that may open streams besides those of the address that the API is called by, as
    `https://perdure.example.com`: where what stands before the API calls it by another one."""
    api_streams: int = Field(default=1_000, ge=1, le=1_000_000)
    """Streams that one tenant may have open at one API process."""
    api_heartbeat: Annotated[timedelta, BeforeValidator(seconds)] = Field(
        default=timedelta(seconds=15), gt=timedelta(0), le=timedelta(hours=1)
    )
    """How long a stream is silent at most, in seconds: less than whatever stands between allows. A client that takes
    nothing for two of them is cut off."""
    egress_allow: Annotated[tuple[IPvAnyNetwork, ...], NoDecode, BeforeValidator(split)] = ()
    """Private networks that steps may reach all the same, as `10.1.0.0/16, 127.0.0.1/32`."""
    max_activities: int = Field(default=200, ge=1, le=10_000)
    """Activities that run at once in one worker process. They wait for others most of the time; memory is the limit."""
    max_workflow_tasks: int = Field(default=100, ge=2, le=1_000)
    """Executions that one worker process steps at once; a thread each."""
    max_cached_executions: int = Field(default=500, ge=0, le=100_000)
    """Executions kept in memory between their steps, about a quarter of a MiB each when small. A cold one is read back
    from its history, 30 ms when short: for bursts add workers rather than cache. With 0 the process steps one execution
    at a time."""
    graceful_shutdown: Annotated[timedelta, BeforeValidator(seconds)] = Field(
        default=timedelta(seconds=30), ge=timedelta(0)
    )
    """How long a worker that is asked to stop lets its running activities end; in seconds."""
    start_timeout: Annotated[timedelta, BeforeValidator(seconds)] = Field(
        default=timedelta(seconds=30), ge=timedelta(0)
    )
    """How long a worker that starts waits for the database and Temporal; in seconds."""
    metrics_token: SecretStr | None = None
    """Who reads `/metrics` must send it as a bearer token. Without one, the API answers this machine alone."""
    worker_metrics_host: str = Field(default="127.0.0.1", min_length=1)
    """The address on which a worker answers `/metrics`."""
    worker_metrics_port: int | None = Field(default=None, ge=0, le=65_535)
    """The port on which a worker answers `/metrics`; without one it counts nothing. Each worker of a machine needs its
    own; with 0 the system chooses, and the log says which."""
    trace_callers: bool = False
    """Whether traces go on with the `traceparent` that callers of the API send. They then decide what is recorded."""
    log_format: Literal["text", "json"] = "text"
    """How logs are written: for people, or an object a line. Both tell trace and execution, where there is one."""
    log_level: str = Field(default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")
    """The least important messages that are still written."""


def read() -> Settings:
    """Read the environment, or say which variable is wrong and why, without its value: it may hold a secret."""
    try:
        return Settings()
    except ValidationError as wrong:
        problems = [
            f"PERDURE_{str(error['loc'][0]).upper()}: {error['msg']}"
            for error in wrong.errors(include_url=False, include_context=False, include_input=False)
        ]
        raise SettingsInvalid("\n".join(dict.fromkeys(problems))) from None
