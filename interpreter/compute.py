"""What a node yields, given what it can see: control words end here, activities get their config.

Pure, and the same in the interpreter (small budget) and in the local activity that takes over what exceeds it."""

from collections.abc import Callable, Mapping

from pydantic import JsonValue

from dag.errors import PerdureError
from dag.expressions import Budget, ExpressionBudget, Moment
from dag.templates import filled
from interpreter.evaluator import Evaluator, Scope
from interpreter.job import Computed, Job, failure
from interpreter.sizes import check_size
from interpreter.words import choices, data, nesting, waits

Word = Callable[[Job, Evaluator], Computed]


def compute(job: Job, scope: Scope, moment: Moment, budget: Budget) -> Computed:
    """Ask `when`, then do what the node's type says. Exceeding the budget raises; every other error is a result."""
    if (config := _plain(job, scope)) is not None:
        return Computed("call", config)
    evaluator = Evaluator(scope, moment, budget)
    try:
        if job.when is not None and not evaluator.true(job.when):
            return Computed("skip", port=None)
        computed = WORDS.get(job.type, _call)(job, evaluator)
        check_size(computed.value)
    except ExpressionBudget:
        raise
    except PerdureError as error:
        return failure(error.value())
    return computed


def _plain(job: Job, scope: Scope) -> JsonValue:
    """The config of an activity, where nothing of it has to be evaluated: so nearly all of them start. Its size needs
    no check: the document's is bounded, and so is what is filled in."""
    if job.when is not None or job.cache_key is not None or job.type in WORDS:
        return None
    return filled(job.config, scope)


def _call(job: Job, evaluator: Evaluator) -> Computed:
    config, secrets = evaluator.render(job.config)
    key = None if job.cache_key is None else evaluator.keep(evaluator.value(job.cache_key))
    return Computed("call", config, secrets=secrets, cache_key=key)


def _ask(job: Job, evaluator: Evaluator) -> Computed:
    return Computed("done", evaluator.true(str(job.config.value)))


def _render(job: Job, evaluator: Evaluator) -> Computed:
    return Computed("done", evaluator.render(job.config)[0])


WORDS: Mapping[str, Word] = {
    "if": choices.if_,
    "switch": choices.switch,
    "set": data.set_,
    "transform": data.transform,
    "map": data.map_,
    "filter": data.filter_,
    "reduce": data.reduce,
    "sort": data.sort,
    "group": data.group,
    "split": data.split,
    "merge": data.merge,
    "delay": waits.delay,
    "for_each": nesting.for_each,
    "while": nesting.while_,
    "repeat": nesting.repeat,
    "parallel": nesting.parallel,
    "try": nesting.try_,
    "wait_event": waits.wait_event,
    "emit_event": waits.emit_event,
    "workflow": waits.workflow,
    "approval": waits.task,
    "ask": waits.task,
    "break": choices.leave,
    "continue": choices.leave,
    "stop": choices.stop,
    "fail": choices.fail,
    "?": _ask,
    "": _render,
}
"""By control word. The empty word renders what a graph declares: its variables, its output; `?` is a loop's condition.
All other types are activities."""
