"""The page on the workflow language, from the models that define it."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import timedelta
from typing import Any

from dag import durations, names
from dag.checks import codes as checks
from dag.controls.branching import Switch, SwitchConditions
from dag.controls.words import WORDS
from dag.language_schema import language_schema
from dag.limits import DEFAULTS, Limits
from dag.node import NodeFields, WithOut
from dag.problems import CODES
from docs.generator.attributes import attribute_docs
from docs.generator.markdown import code, codes, page, sentence, table
from docs.generator.schemas import FORMS, Book, Schema

PARTS = {
    "Graph": "Graph",
    "Settings": "Settings",
    "OnFailure": "On failure",
    "Concurrency": "Concurrency",
    "Node": "Node",
    "Join": "Join",
    "Retry": "Retry",
    "Cache": "Cache",
    "Compensate": "Compensate",
}
"""Parts of documents that are used in several places, with their headings."""
EVERYWHERE = ("type", *NodeFields.model_fields, "config", "on_error")
"""The fields of nodes of nearly every type."""
KEPT = {
    names.WORKFLOW_NAME: names.RESERVED_WORKFLOWS,
    names.ID: names.RESERVED_IDS,
    names.VARIABLE: names.RESERVED_IDS,
}
EXAMPLES = {
    durations.FORM: "`250ms`, `30s`, `5m`, `2h`, `1d`, or ISO 8601 from seconds to weeks (`PT1H30M`)",
    names.ID: "`fetch_order`; unique in its graph, and not the id of an enclosing graph's node",
    names.EDGE: "`fetch` (its port `out`), `size.large`",
    names.WORKFLOW_NAME: "`order-review`",
    names.VARIABLE: "`rate`",
    names.ACTIVITY_TYPE: "`http.request`",
    names.ERROR_CODE: "`http.503`; where codes are matched it stands for itself and what follows it after a dot",
    names.USER_CODE: "`user.order.empty`",
    names.ASSIGNEE: "`user:ann`, `group:finance`, `role:admin`",
    names.MASK: "`/body/token`, `/body/*/iban`",
}


def language() -> str:
    """Every field, control word, port, default, limit and problem."""
    schema = language_schema()
    definitions: Mapping[str, Any] = schema["$defs"]  # pyright: ignore[reportAssignmentType]
    book = Book(definitions, PARTS)
    without_out = [word for word, model in WORDS.items() if not issubclass(model, WithOut)]
    return page(
        "Workflow language, version 1",
        "Every field with what it may hold. How they work together is in the [guide](../building.md). Fields that are"
        " not named here are refused. *Expression*: bare JSONata. *With templates*: strings may hold `${{ … }}`."
        " *Needed*: may not be left out.",
        "## Document",
        book.fields(schema),
        *_part(book, "Settings"),
        *_part(book, "OnFailure"),
        *_part(book, "Concurrency"),
        *_part(book, "Graph"),
        "## Node",
        "A step: one of the control words below, or an activity, whose type is written `family.name`. Every node has"
        " these fields; `config` is what its type asks for.",
        book.fields(definitions["Activity"], without=set(definitions["Activity"]["properties"]).difference(EVERYWHERE)),
        f"`on_error` is not for {codes(without_out)}." if without_out else "",
        "### Activity",
        sentence(definitions["Activity"]["description"])
        + " Besides the fields of every node it has these. The types are on [a page of their own](activity-types.md).",
        book.fields(definitions["Activity"], without=EVERYWHERE),
        *(text for name in ("Join", "Retry", "Cache", "Compensate") for text in _part(book, name, level="###")),
        "## Control words",
        table(("type", "", "ports"), [_word(word) for word in WORDS]),
        *(text for word in WORDS for text in _control(book, word)),
        "## Names and forms",
        table(("what", "form", "such as", "kept names"), [_form(pattern) for pattern in FORMS]),
        f"Expressions start from {codes(names.ROOTS)}, the name of a loop's item and the name of a caught error.",
        "## Limits",
        "Defaults. Past a limit there is an error that names it, and nothing is lost.",
        table(("limit", "is", "of"), _limits()),
        "## Problems",
        "What is wrong with a document is told all at once, each problem as `{code, path, message, hint, severity}`;"
        " `path` is a JSON pointer into the document. A warning does not keep a document from being published.",
        table(("code", "meaning", "severity"), _problems()),
    )


def _part(book: Book, name: str, *, level: str = "##") -> Iterator[str]:
    part: Schema = book.definitions[name]
    yield f"{level} {PARTS[name]}"
    yield sentence(part.get("description", ""))
    yield book.fields(part)


def _word(word: str) -> tuple[str, str, str]:
    return f"[`{word}`](#{word})", sentence(WORDS[word].__doc__ or ""), _ports(word)


def _control(book: Book, word: str) -> Iterator[str]:
    model = WORDS[word]
    own: Schema = book.definitions[model.__name__]
    yield f"### {word}"
    yield sentence(model.__doc__ or "")
    yield f"Ports: {_ports(word)}."
    more = [name for name in model.model_fields if name not in EVERYWHERE]
    if more:
        yield f"It also has {codes(more)}, as activities do."
    config: Schema = own["properties"]["config"]
    if "config" not in own["required"]:
        yield "`config` may be left out."
    inner = [option["$ref"].rpartition("/")[2] for option in config.get("oneOf", [config])]
    shown: list[str] = []
    for name in inner:
        yield from _config(book, name, titled=len(inner) > 1)
        shown += book.referred(book.definitions[name])
    for name in dict.fromkeys(shown):
        if name not in PARTS and "properties" in book.definitions[name]:
            yield from _config(book, name, titled=True)


def _config(book: Book, name: str, *, titled: bool) -> Iterator[str]:
    part: Schema = book.definitions[name]
    if titled:
        yield f"**{part['title']}.** {sentence(part.get('description', ''))}"
    yield book.fields(part)


def _ports(word: str) -> str:
    model = WORDS[word]
    if model is Switch:
        cases = SwitchConditions.model_construct(cases={"case": ""})
        return "each case, " + codes(Switch.model_construct(config=cases).ports[1:])
    ports = model.model_construct().ports
    if not issubclass(model, WithOut):
        return codes(ports) or "none"
    more = [port for port in model.model_construct(on_error="continue").ports if port not in ports]
    return codes(ports) + "".join(f", {code(port)} with `on_error: continue`" for port in more)


def _form(pattern: str) -> tuple[str, str, str, str]:
    return FORMS[pattern], code(pattern), EXAMPLES[pattern], codes(KEPT.get(pattern, ()))


def _limits() -> Iterator[tuple[str, str, str]]:
    meaning = attribute_docs(Limits)
    for limit in fields(Limits):
        match getattr(DEFAULTS, limit.name):
            case timedelta() as span:
                size = durations.text(span)
            case int(number) if limit.name.endswith("bytes"):
                size = f"{number // 2**20} MiB" if number >= 2**20 else f"{number // 2**10} KiB"
            case number:
                size = f"{number:,}"
        yield code(limit.name), size, meaning[limit.name]


def _problems() -> Iterator[tuple[str, str, str]]:
    for problem in sorted({*CODES, *checks.CODES}):
        meanings = dict.fromkeys(said[problem] for said in (CODES, checks.CODES) if problem in said)
        yield code(problem), " Or: ".join(meanings), "warning" if problem in checks.WARNINGS else "error"
