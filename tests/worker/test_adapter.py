"""How one attempt of an activity type runs, and how it ends."""

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from pydantic import JsonValue
from temporalio.activity import ActivityCancellationDetails
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities.context import Context
from activities.errors import HttpStatusError, NetworkError
from dag.errors import ErrorValue, PerdureError
from dag.invocation import Invocation, SecretText
from tests.worker.attempts import Bench, Config, Output, bench
from worker import watch
from worker.adapter import node_activity
from worker.local_calls import LocalCalls
from worker.log_lines import AT_ONCE, LINE
from worker.records import Lines, Progress


async def echo(config: Config, context: Context) -> Output:
    return Output(value=config.value)


async def failure_of(bench: Bench, config: JsonValue = None, invocation: Invocation | None = None) -> ApplicationError:
    with pytest.raises(ApplicationError) as failed:
        await bench.attempt(config, invocation)
    return failed.value


def value_of(failure: ApplicationError) -> ErrorValue:
    return ErrorValue.model_validate(failure.details[0])


class TestResult:
    async def test_the_result_is_the_output_and_nothing_around_it(self) -> None:
        async with bench(echo) as on:
            assert await on.attempt({"value": {"a": [1, "b", None]}}) == {"value": {"a": [1, "b", None]}}

    async def test_a_type_that_this_worker_lacks_is_a_bad_config_and_not_tried_again(self) -> None:
        async with bench(echo) as on:
            on.environment.info = replace(on.environment.info, activity_type="demo.other")
            failure = await failure_of(on)
        assert (failure.type, failure.non_retryable) == ("config.invalid", True)
        assert "demo.other" in failure.message

    async def test_a_bad_config_is_told_by_place_never_by_value_and_not_tried_again(self) -> None:
        async with bench(echo) as on:
            failure = await failure_of(on, {"times": "hunter2", "hunger": "hunter2"})
        assert (failure.type, failure.non_retryable) == ("config.invalid", True)
        problems = value_of(failure).details
        assert isinstance(problems, list)
        assert [problem["path"] for problem in problems if isinstance(problem, dict)] == ["/times", "/hunger"]
        assert "hunter2" not in repr(failure.details) + failure.message

    async def test_an_output_beyond_the_limit_is_told_as_such_and_not_tried_again(self) -> None:
        async def run(config: Config, context: Context) -> Output:
            return Output(value="x" * (20 * 1024 * 1024))

        async with bench(run) as on:
            failure = await failure_of(on)
        assert (failure.type, failure.non_retryable) == ("payload.too_large", True)


class TestContext:
    async def test_the_idempotency_key_depends_on_the_node_run_alone(self) -> None:
        async def run(config: Config, context: Context) -> Output:
            return Output(value=context.idempotency_key)

        keys: list[JsonValue] = []
        async with bench(run) as on:
            for changes in (
                {"attempt": 1},
                {"attempt": 7, "task_token": b"other"},
                {"attempt": 1, "is_local": True},
                {"attempt": 1, "workflow_run_id": "continued"},
            ):
                on.info(**changes)
                keys.append(await on.attempt())
            on.environment.info = replace(on.environment.info, activity_id="each[3].pay")
            keys.append(await on.attempt())
            on.environment.info = replace(on.environment.info, activity_id="each[2].pay", workflow_id="acme/ex_2")
            keys.append(await on.attempt())
        assert len({str(key) for key in keys[:4]}) == 1
        assert len({str(key) for key in keys}) == 3

    async def test_an_attempt_is_told_how_long_it_has(self) -> None:
        async def run(config: Config, context: Context) -> Output:
            return Output(value=context.timeout.total_seconds())

        async with bench(run) as on:
            assert await on.attempt({}, Invocation(timeout=7)) == {"value": 7}
            [left] = [await on.attempt({}, Invocation(timeout=7, deadline=time.time() + 5))]
        assert isinstance(left, dict)
        assert isinstance(left["value"], float)
        assert 4 < left["value"] <= 5

    async def test_content_is_kept_without_secrets_and_found_by_its_reference(self) -> None:
        async def run(config: Config, context: Context) -> Output:
            context.conceal("t0ken-value")
            kept = await context.store(b"\xffa t0ken-value", "application/pdf")
            return Output(value=kept.model_dump())

        async with bench(run) as on:
            found = await on.attempt()
        assert isinstance(found, dict)
        assert isinstance(found["value"], dict)
        assert found["value"]["size"] == len(b"\xffa ***")
        assert found["value"]["media_type"] == "application/pdf"


class TestHandedOver:
    async def test_what_nobody_waits_for_any_more_is_not_attempted(self) -> None:
        begun: list[Config] = []

        async def run(config: Config, context: Context) -> Output:
            begun.append(config)
            return Output()

        async with bench(run) as on:
            on.info(attempt=1, is_local=True)
            with pytest.raises(ApplicationError) as failed:
                await on.environment.run(node_activity(on.means, on.sink, LocalCalls()), [])
        assert failed.value.category == ApplicationErrorCategory.BENIGN
        assert (begun, on.sink.attempts) == ([], [])

    async def test_an_attempt_leaves_the_config_of_its_interpreter_without_secrets(self) -> None:
        config: JsonValue = {"value": {"token": "***"}}
        async with bench(echo, key="s3cr3t-key") as on:
            on.info(attempt=1, is_local=True)
            invocation = Invocation(timeout=30, secrets=(SecretText("/value/token", ("", ("key",))),))
            assert await on.attempt(config, invocation) == {"value": {"token": "***"}}
        assert config == {"value": {"token": "***"}}


class TestTime:
    async def test_an_attempt_that_lasts_too_long_may_be_tried_again(self) -> None:
        async def run(config: Config, context: Context) -> Output:
            await asyncio.sleep(60)
            return Output()

        async with bench(run) as on:
            began = time.monotonic()
            failure = await failure_of(on, {}, Invocation(timeout=0.05, deadline=time.time() + 60))
        assert time.monotonic() - began < 20
        assert (failure.type, failure.non_retryable) == ("timeout.attempt", False)

    @pytest.mark.parametrize("left", [0.05, -5.0])
    async def test_past_the_deadline_of_the_node_nothing_is_tried_again(self, left: float) -> None:
        begun: list[float] = []

        async def run(config: Config, context: Context) -> Output:
            begun.append(left)
            await asyncio.sleep(10)
            return Output()

        async with bench(run) as on:
            failure = await failure_of(on, {}, Invocation(timeout=5, deadline=time.time() + left))
        assert (failure.type, failure.non_retryable) == ("timeout.node", True)
        assert begun == ([left] if left > 0 else [])

    async def test_a_timeout_of_its_own_is_a_bug_of_the_type_and_not_the_attempt_s(self) -> None:
        async def run(config: Config, context: Context) -> Output:
            raise TimeoutError

        async with bench(run) as on:
            assert (await failure_of(on)).type == "internal"

    async def test_waiting_for_secrets_takes_none_of_the_attempt_s_time_but_of_the_node_s(self) -> None:
        class Slow:
            async def resolve(self, tenant: str, name: str) -> str:
                await asyncio.sleep(0.3)
                return "s3cr3t-key"

        secrets = (SecretText("/value", (("key",),)),)
        async with bench(echo) as on:
            on.means = replace(on.means, secrets=Slow())
            assert await on.attempt({"value": "***"}, Invocation(timeout=0.2, secrets=secrets)) == {"value": "***"}
            late = Invocation(timeout=5, secrets=secrets, deadline=time.time() + 0.1)
            assert (await failure_of(on, {"value": "***"}, late)).type == "timeout.node"


class TestHeartbeats:
    async def test_a_lasting_attempt_heartbeats_with_what_it_said_last(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def run(config: Config, context: Context) -> Output:
            await asyncio.sleep(0.15)
            context.conceal("t0ken-value")
            context.heartbeat({"done": 1, "with": "t0ken-value"})
            await asyncio.sleep(0.15)
            return Output()

        monkeypatch.setattr(watch, "EVERY", 0.05)
        beats: list[Sequence[object]] = []
        async with bench(run) as on:
            on.environment.on_heartbeat = lambda *details: beats.append(details)
            await on.attempt()
            count = len(beats)
            await asyncio.sleep(0.12)
        said = ({"done": 1, "with": "***"},)
        assert beats[0] == ()
        assert beats[-1] == said
        assert beats.count(said) >= 2
        assert len(beats) == count, "it goes on after the end"

    async def test_a_short_attempt_never_heartbeats_by_itself(self) -> None:
        beats: list[Sequence[object]] = []
        async with bench(echo) as on:
            on.environment.on_heartbeat = lambda *details: beats.append(details)
            await on.attempt()
        assert beats == []

    async def test_a_local_activity_has_no_heartbeats(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def run(config: Config, context: Context) -> Output:
            context.heartbeat(1)
            await asyncio.sleep(0.1)
            return Output()

        monkeypatch.setattr(watch, "EVERY", 0.02)
        beats: list[Sequence[object]] = []
        async with bench(run) as on:
            on.info(is_local=True)
            on.environment.on_heartbeat = lambda *details: beats.append(details)
            await on.attempt()
        assert beats == []


class TestCancel:
    async def test_a_cancel_is_acknowledged_after_the_attempt_has_cleaned_up(self) -> None:
        cleaned: list[str] = []

        async def run(config: Config, context: Context) -> Output:
            try:
                await asyncio.sleep(10)
            finally:
                await asyncio.sleep(0.05)
                cleaned.append("up")
            return Output()

        async with bench(run) as on:
            attempt = asyncio.create_task(on.attempt())
            await asyncio.sleep(0.05)
            on.environment.cancel()
            with pytest.raises(asyncio.CancelledError):
                await attempt
        assert cleaned == ["up"]
        assert [record.status for record in on.sink.attempts] == ["cancelled"]

    async def test_an_attempt_that_ends_all_the_same_has_succeeded(self) -> None:
        async def run(config: Config, context: Context) -> Output:
            try:
                await asyncio.sleep(10)
            except asyncio.CancelledError:
                return Output(value="it was too late")
            return Output()

        async with bench(run) as on:
            attempt = asyncio.create_task(on.attempt())
            await asyncio.sleep(0.05)
            on.environment.cancel()
            assert await attempt == {"value": "it was too late"}
        assert [record.status for record in on.sink.attempts] == ["succeeded"]

    async def test_one_that_does_not_stop_in_its_time_does_not_count_as_stopped(self) -> None:
        async def run(config: Config, context: Context) -> Output:
            try:
                await asyncio.sleep(10)
            finally:
                await asyncio.sleep(10)
            return Output()

        async with bench(run) as on:
            attempt = asyncio.create_task(failure_of(on, {}, Invocation(timeout=0.2)))
            await asyncio.sleep(0.05)
            on.environment.cancel()
            assert (await attempt).type == "timeout.attempt"

    async def test_a_worker_that_stops_cancels_nothing_for_the_user(self) -> None:
        async def run(config: Config, context: Context) -> Output:
            await asyncio.sleep(10)
            return Output()

        async with bench(run) as on:
            attempt = asyncio.create_task(failure_of(on))
            await asyncio.sleep(0.05)
            on.environment.cancel(ActivityCancellationDetails(worker_shutdown=True))
            failure = await attempt
        assert (failure.type, failure.non_retryable) == ("worker.lost", False)

    async def test_a_cancellation_that_nobody_asked_for_is_a_bug(self) -> None:
        async def run(config: Config, context: Context) -> Output:
            raise asyncio.CancelledError

        async with bench(run) as on:
            assert (await failure_of(on)).type == "internal"


class Broken(PerdureError):
    """It is broken."""

    code = "user.broken.badly"
    retryable = True


async def broken(config: Config, context: Context) -> Output:
    raise Broken(details={"status": 503})


class TestFailure:
    async def test_a_failure_carries_its_code_its_place_and_its_attempt(self) -> None:
        async with bench(broken) as on:
            on.info(attempt=2)
            failure = await failure_of(on, {}, Invocation(timeout=5, earlier_attempts=3))
        assert (failure.type, failure.message, failure.non_retryable) == ("user.broken.badly", "It is broken.", False)
        assert value_of(failure) == ErrorValue(
            code="user.broken.badly",
            message="It is broken.",
            node="pay",
            path="each[2].pay",
            attempt=5,
            retryable=True,
            details={"status": 503},
        )
        assert failure.category == ApplicationErrorCategory.BENIGN

    @pytest.mark.parametrize(
        ("never", "when", "again"),
        [
            ((), None, True),
            (("user.broken",), None, False),
            (("user.broken.badly",), None, False),
            (("user.broke", "http"), None, True),
            ((), "error.details.status = 503", True),
            ((), "error.details.status = 500", False),
            ((), "error.nothing", False),
            ((), "$error('no')", False),
            (("user",), "true", False),
        ],
    )
    async def test_the_author_says_which_errors_are_worth_another_attempt(
        self, never: tuple[str, ...], when: str | None, *, again: bool
    ) -> None:
        async with bench(broken) as on:
            failure = await failure_of(on, {}, Invocation(timeout=5, retry_never=never, retry_when=when))
        assert failure.non_retryable is not again

    async def test_what_cannot_be_mended_by_waiting_is_never_tried_again(self) -> None:
        async def run(config: Config, context: Context) -> Output:
            raise Broken(retryable=False)

        async with bench(run) as on:
            failure = await failure_of(on, {}, Invocation(timeout=5, retry_when="true"))
        assert failure.non_retryable

    @pytest.mark.parametrize(
        ("asked", "attempt", "waits"),
        [(30.0, 1, 30), (3.0, 4, 8), (0.0, 1, 1), (0.0, 50, 60), (None, 3, None)],
    )
    async def test_retry_after_lengthens_the_wait_and_never_shortens_it(
        self, asked: float | None, attempt: int, waits: float | None
    ) -> None:
        async def run(config: Config, context: Context) -> Output:
            raise NetworkError(retry_after=asked)

        async with bench(run) as on:
            on.info(attempt=attempt)
            policy = RetryPolicy(timedelta(seconds=1), 2.0, timedelta(seconds=60), 100)
            on.environment.info = replace(on.environment.info, retry_policy=policy)
            failure = await failure_of(on)
        assert failure.next_retry_delay == (None if waits is None else timedelta(seconds=waits))

    async def test_a_bug_is_told_without_what_it_was_about_and_logged_with_it(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def run(config: Config, context: Context) -> Output:
            raise KeyError(f"customer 4711 of {config.value}")

        with caplog.at_level(logging.ERROR):
            async with bench(run, key="s3cr3t-key") as on:
                secrets = (SecretText("/value", (("key",),)),)
                failure = await failure_of(on, {"value": "***"}, Invocation(timeout=5, secrets=secrets))
        assert (failure.type, failure.non_retryable) == ("internal", False)
        assert "4711" not in failure.message + repr(failure.details) + repr(failure.__cause__)
        assert failure.__cause__ is None
        assert failure.__context__ is None
        assert "customer 4711 of ***" in caplog.text
        assert "s3cr3t" not in caplog.text
        assert failure.category == ApplicationErrorCategory.UNSPECIFIED

    async def test_details_that_are_too_much_are_left_out(self) -> None:
        async def run(config: Config, context: Context) -> Output:
            raise Broken(details={"body": "x" * 1_000_000})

        async with bench(run) as on:
            failure = await failure_of(on)
        assert len(str(failure.details)) < 1_000
        assert failure.type == "user.broken.badly"


class TestSecrets:
    SECRETS = (SecretText("/value/token", ("Bearer ", ("key",))),)

    async def test_the_type_gets_the_secret_and_nobody_else_does(self) -> None:
        seen: list[JsonValue] = []

        async def run(config: Config, context: Context) -> Output:
            seen.append(config.value)
            context.logger.info(f"sent {config.value}")
            return Output(value={"echo": config.value, "s3cr3t-key": ["s3cr3t-key"]})

        async with bench(run, key="s3cr3t-key") as on:
            output = await on.attempt({"value": {"token": "***"}}, Invocation(timeout=5, secrets=self.SECRETS))
        assert seen == [{"token": "Bearer s3cr3t-key"}]
        assert output == {"value": {"echo": {"token": "Bearer ***"}, "***": ["***"]}}
        assert "s3cr3t" not in repr(on.sink.attempts)
        assert "Bearer ***" in on.sink.attempts[0].log[0].message

    async def test_an_error_shows_no_secret(self) -> None:
        async def run(config: Config, context: Context) -> Output:
            raise HttpStatusError(
                401, f"{config.value} is refused", details={"sent": [config.value]}, retryable=False, retry_after=None
            )

        async with bench(run, key="s3cr3t-key") as on:
            failure = await failure_of(on, {"value": {"token": "***"}}, Invocation(timeout=5, secrets=self.SECRETS))
        assert failure.type == "http.401"
        assert "***" in failure.message
        assert "s3cr3t" not in repr(failure.details) + failure.message + repr(on.sink.attempts)

    async def test_a_missing_secret_is_told_by_name_and_not_tried_again(self) -> None:
        async with bench(echo, other="s3cr3t-key") as on:
            failure = await failure_of(on, {"value": {"token": "***"}}, Invocation(timeout=5, secrets=self.SECRETS))
        assert (failure.type, failure.non_retryable) == ("secret.missing", True)
        assert value_of(failure).details == {"name": "key"}


class TestRecord:
    async def test_an_attempt_is_recorded_with_its_masks(self) -> None:
        async def run(config: Config, context: Context) -> Output:
            context.logger.info("one")
            context.logger.warning("two")
            return Output(value={"iban": "DE00", "rest": 1})

        async with bench(run) as on:
            on.info(attempt=2)
            output = await on.attempt({}, Invocation(timeout=5, earlier_attempts=1, mask=("/value/iban",)))
        assert output == {"value": {"iban": "DE00", "rest": 1}}
        [record] = on.sink.attempts
        assert (record.tenant, record.execution, record.path) == ("acme", "ex_1", "each[2].pay")
        assert (record.type, record.attempt, record.status) == ("demo.run", 3, "succeeded")
        assert record.output == b'{"value":{"iban":"***","rest":1}}'
        assert record.output_size == len(b'{"value":{"iban":"DE00","rest":1}}')
        assert [(line.level, line.message) for line in record.log] == [("info", "one"), ("warning", "two")]
        assert record.started_at <= record.log[0].at <= record.ended_at

    async def test_what_runs_in_a_batch_is_told_of_its_execution(self) -> None:
        async def run(config: Config, context: Context) -> Output:
            context.progress(0.5, "half")
            context.logger.info("one")
            return Output()

        async with bench(run) as on:
            on.environment.info = replace(on.environment.info, workflow_id="acme/ex_1/each/0")
            await on.attempt()
        assert {type(record) for record in on.sink.live} == {Progress}
        assert {record.execution for record in [*on.sink.live, *on.sink.attempts]} == {"ex_1"}

    async def test_of_a_large_output_only_the_size_is_recorded(self) -> None:
        async with bench(echo) as on:
            await on.attempt({"value": "x" * 100_000})
        assert on.sink.attempts[0].output is None
        assert on.sink.attempts[0].output_size == 100_000 + len('{"value":""}')

    async def test_a_failure_is_recorded_with_its_error(self) -> None:
        async with bench(broken) as on:
            failure = await failure_of(on)
        [record] = on.sink.attempts
        assert record.status == "failed"
        assert record.error == value_of(failure)

    async def test_what_is_logged_is_bounded_and_the_rest_counted(self) -> None:
        async def run(config: Config, context: Context) -> Output:
            for _ in range(AT_ONCE + 10):
                context.logger.info("x" * 10_000)
            return Output()

        async with bench(run) as on:
            await on.attempt()
        [record] = on.sink.attempts
        *lines, last = record.log
        assert len(lines) == AT_ONCE
        assert record.log_dropped == 10
        assert {len(line.message) for line in lines} == {LINE}
        assert (last.level, last.message[:27]) == ("warning", "10 more lines were dropped:")


class TestWhatIsToldWhileItRuns:
    async def test_lines_come_while_it_runs_in_order_with_their_fields_and_without_secrets(self) -> None:
        told = asyncio.Event()

        async def run(config: Config, context: Context) -> Output:
            context.logger.info("asked %s", "s3cr3t-key", extra={"step": 1, "key": ["s3cr3t-key"], "odd": {1, 2} - {2}})
            await asyncio.to_thread(context.logger.warning, "from a thread %d %d", 1)
            context.logger.error("failed", exc_info=ValueError("s3cr3t-key"))
            await told.wait()
            context.logger.info("the end")
            return Output()

        async with bench(run, key="s3cr3t-key") as on:
            invocation = Invocation(timeout=30, secrets=(SecretText("/value", ("", ("key",))),))
            attempt = asyncio.create_task(on.attempt({"value": "***"}, invocation))
            while not on.sink.live:
                await asyncio.sleep(0.01)
            told.set()
            await attempt
        [live], [record] = on.sink.live, on.sink.attempts
        assert isinstance(live, Lines)
        assert [(line.level, line.message) for line in live.lines] == [
            ("info", "asked ***"),
            ("warning", "from a thread %d %d"),
            ("error", "failed"),
        ]
        assert live.lines[0].fields == {"step": 1, "key": ["***"], "odd": "{1}"}
        assert live.lines[2].fields == {"exception": "ValueError: ***"}
        assert [line.message for line in record.log] == ["the end"]
        assert live.lines[0].at < live.lines[1].at < live.lines[2].at < record.log[0].at

    async def test_of_progress_told_often_the_last_comes_and_little_else(self) -> None:
        async def run(config: Config, context: Context) -> Output:
            for number in range(1_000):
                context.progress(number / 500, f"row {number}")
            return Output()

        async with bench(run) as on:
            await on.attempt()
        [told] = on.sink.live
        assert isinstance(told, Progress)
        assert (told.path, told.attempt, told.fraction, told.message) == ("each[2].pay", 1, 1.0, "row 999")

    async def test_an_attempt_tells_what_it_computed_and_what_it_cost(self) -> None:
        async def run(config: Config, context: Context) -> Output:
            until = time.thread_time() + 0.05
            while time.thread_time() < until:
                await asyncio.sleep(0)
            await asyncio.sleep(0.2)
            for _ in range(10):
                context.cost("eur", 0.1)
            context.cost("tokens.input", 1200)
            context.computed(1.5)
            return Output()

        async with bench(run) as on:
            await on.attempt()
        [record] = on.sink.attempts
        assert record.cost == {"eur": 1.0, "tokens.input": 1200.0}
        assert 1.5 < record.cpu_seconds < 1.5 + 0.15

    async def test_what_is_no_unit_is_a_bug(self) -> None:
        async def run(config: Config, context: Context) -> Output:
            context.cost("Customer Name", 1)
            return Output()

        async with bench(run) as on:
            assert (await failure_of(on)).type == "internal"
