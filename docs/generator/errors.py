"""The page on errors, from the classes that carry their codes."""

import pkgutil
from collections.abc import Iterator, Mapping
from importlib import import_module

from api.problems import status_of
from dag.errors import PerdureError
from docs.generator.markdown import code, page, sentence, table

PACKAGES = ("activities", "api", "cli", "dag", "interpreter", "runtime", "store", "worker")
UNTOUCHED = ("__main__", "migrations")
"""What does something when it is imported."""
UNEXPECTED = 500
"""Codes that no request meets."""

FAMILIES: Mapping[str, tuple[str, str]] = {
    "input.invalid": ("The input does not fit the workflow's schema.", "Mend the input; `details` lists the places."),
    "config.invalid": (
        "What a node was configured with, once rendered, is not what its type asks for.",
        "Mend the config, or what its templates read.",
    ),
    "expression": (
        "An expression fails, meets a value of the wrong type, needs more than it may have, or reads what cannot be"
        " known.",
        "`details` quote the expression and the place in it.",
    ),
    "switch.no_match": ("No case matches, and `default` is not wired.", "Wire `default`, or add a case."),
    "join.unsatisfiable": (
        "Branches failed, so that too few edges can still become live.",
        "`cause` names the failures; mend those.",
    ),
    "timeout": (
        "An attempt, a node or the execution took longer than it may.",
        "Allow more time (`attempt_timeout`, `timeout`, `settings.timeout`), or do less.",
    ),
    "batch": (
        "Somebody ended a batch of a large loop in Temporal; what its turns did is not known.",
        "Look at what they did, then start the execution again, or what is left of it.",
    ),
    "cancelled": (
        "The execution was cancelled by somebody.",
        "Nothing is wrong. Start it again if it is still wanted.",
    ),
    "worker.lost": (
        "The worker ended before the attempt did, and no attempt was left.",
        "The effect may have happened: look before running it again. `retry` allows more attempts.",
    ),
    "payload.too_large": ("A value is larger than a payload may be.", "Keep it elsewhere and pass on where."),
    "limit": (
        "A limit was reached, which the code names.",
        "Make the work smaller, or raise the limit if it is yours to set.",
    ),
    "secret": ("A secret cannot be had.", "Add the secret, or mend its name."),
    "http": (
        "An HTTP service answered with a status that was not expected (`http.503`), or not at all.",
        "`details` hold status and body. Name statuses that are fine in `expect`; use `retry` for what passes.",
    ),
    "approval": (
        "Nobody has answered a task in time; or a decision was refused.",
        "Wire the `timeout` port, ask others too (`escalate`), or let `on_timeout` decide.",
    ),
    "workflow": (
        "A workflow could not be started, or what was started did not end by itself.",
        "`cause` has the error of what was started; its journal tells the rest.",
    ),
    "terminated": ("An operator ended the execution at once.", "Nothing was undone: look before starting it again."),
    "egress.denied": ("The address is in a network that steps may not reach.", "An operator can allow it."),
    "user": (
        "Raised by a `fail` node, or (`user.python`) by the code of a `code.python`.",
        "What it means is the author's to say.",
    ),
    "internal": ("Something that is not foreseen; a bug.", "The logs of API and workers say more. Report it."),
}
"""Codes of executions and nodes by what they begin with: what they mean, and what to do."""

TOLD = {
    "join.unsatisfiable": "Too few edges into a join can still become live, because branches failed.",
    "cancelled": "The execution was cancelled.",
    "terminated": "The execution was ended at once, by an operator; nothing was undone.",
    "workflow.cancelled": "The execution that the node started was cancelled.",
    "workflow.timed_out": "The execution that the node started took longer than its `settings.timeout`.",
    "workflow.terminated": "The execution that the node started was ended at once, by an operator.",
    "approval.timeout": "Not enough people have answered before the task was `due`.",
    "timeout.execution": "The execution took longer than its `settings.timeout`.",
    "http.<status>": "The other side answered with a status that is none of the expected ones.",
    "user.<anything>": "Raised by a `fail` node.",
    "user.python.<name>": "The code raised an exception that it did not catch; its name in small letters.",
    "limit.time": "The code took longer than `max_seconds`.",
    "limit.memory": "The code took more memory than `max_memory_mib`.",
    "limit.recursion": "The functions of the code call each other too deeply.",
    "limit.sandbox": "The code broke the process that it ran in.",
}
"""Codes that no class stands for by itself."""


def errors() -> str:
    """Every code with its meaning, and what to do about each family."""
    return page(
        "Errors",
        "An error is `{code, message, node, path, attempt, retryable, details, cause}`. A code never changes its"
        " meaning, so that programs may go by it; messages are for people and may change. Wherever codes are matched,"
        " as in `retry.never`, a code stands for itself and what follows it after a dot: `http` matches `http.503`.",
        "What is wrong with a document is told in problems, which have [codes of their own](language.md#problems).",
        "## Families",
        table(("code", "meaning", "what to do"), [(code(name), *words) for name, words in FAMILIES.items()]),
        "## Codes",
        "*Retried*: worth another attempt, as far as `retry` and the activity type allow one. *HTTP*: the status with"
        " which the API answers when a request meets it.",
        table(("code", "meaning", "retried", "HTTP"), _codes()),
    )


def _codes() -> Iterator[tuple[str, str, str, str]]:
    meanings: dict[str, list[str]] = {told: [sentence(meaning)] for told, meaning in TOLD.items()}
    retried: dict[str, set[bool]] = {}
    answered: set[str] = set()
    for each in classes():
        if any(told.startswith(each.code + ".") for told in TOLD):
            continue  # it stands for a family
        meanings.setdefault(each.code, []).append(sentence(each.__doc__ or ""))
        retried.setdefault(each.code, set()).add(each.retryable)
        if not each.__module__.startswith("cli.") and status_of(each.code) != UNEXPECTED:
            answered.add(each.code)
    for name in sorted(meanings):
        again = {frozenset({True}): "yes", frozenset({True, False}): "some"}
        yield (
            code(name),
            " Or: ".join(dict.fromkeys(meanings[name])),
            again.get(frozenset(retried.get(name, ())), ""),
            str(status_of(name)) if name in answered else "",
        )


def classes() -> list[type[PerdureError]]:
    """Every error with a code and a message of its own, in one order everywhere."""
    for package in PACKAGES:
        _import(package)
    found = [each for each in _below(PerdureError) if each.__module__.partition(".")[0] in PACKAGES]
    return sorted(found, key=lambda each: (each.code, each.__module__, each.__name__))


def _import(name: str) -> None:
    module = import_module(name)
    for inner in pkgutil.iter_modules(getattr(module, "__path__", ())):
        if inner.name not in UNTOUCHED:
            _import(f"{name}.{inner.name}")


def _below(above: type[PerdureError]) -> Iterator[type[PerdureError]]:
    for each in above.__subclasses__():
        if "code" in vars(each) or each.code != above.code:
            yield each
        yield from _below(each)
