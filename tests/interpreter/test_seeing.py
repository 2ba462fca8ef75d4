"""What expressions see of the execution they belong to, and of the tenant's settings."""

from tests.interpreter.documents import computing, document
from tests.interpreter.engine import Engine, ended


async def test_the_execution_is_seen_with_its_id_workflow_version_trigger_attempt_and_start(engine: Engine) -> None:
    fields = "execution.{'id': id, 'workflow': workflow, 'version': version, 'trigger': trigger, 'attempt': attempt}"
    flow = document(
        {"a": computing(fields)},
        output={"said": "${{ nodes.a.output }}", "whole": "${{ $toMillis(execution.started_at) <= $millis() }}"},
    )
    handle = await engine.start(flow)
    said = {"workflow": "demo", "version": 1, "trigger": "manual", "attempt": 1, "id": handle.id.partition("/")[2]}
    assert (await ended(handle)).output == {"said": said, "whole": True}


async def test_env_is_seen_where_variables_begin_and_wherever_something_is_computed(engine: Engine) -> None:
    flow = document({"a": computing("vars.rate * env.rate")}, vars={"rate": "${{ env.rate + input }}"})
    assert (await engine.run(flow, 1, env={"rate": 3})).output == 12
