"""Checks what expressions read: that it parses, exists, and is known by the time the expression is computed."""

from collections.abc import Collection, Iterator

from dag.checks.guessing import Guess, short
from dag.checks.names import NODE, Fields
from dag.checks.sight import Sight, of_node, of_output, of_settings, of_vars
from dag.definition import Definition
from dag.errors import PerdureError
from dag.expressions import References
from dag.node import Activity
from dag.places import Path, places
from dag.problems import Problem, pointer
from dag.scope import Graph
from dag.sites import Site
from dag.texts import Written, texts

_OF_GRAPH = {place: place.pattern[0] for place in places(Graph)}
_OF_SETTINGS = tuple(place for place in places(Definition) if place.pattern[0] == "settings")
_ELSEWHERE = {
    "item": "It is known in the body of a `for_each`, and inside `map`, `filter`, `reduce`, `sort` and `group`.",
    "index": "It is known inside `map`, `filter`, `reduce`, `sort` and `group`; in a loop write `loop.index`.",
    "result": "It is known in the `expression` of a `reduce`.",
    "loop": "It is known in the body of a loop.",
    "error": "It is known in the body of a `catch`, and in `retry.when`.",
    "event": "It is known in the `match` of a `wait_event`.",
    "output": "It is known in `compensate.config`. The output of a node is `nodes.<id>.output`.",
    "execution": "It is not known yet when the variables of the document get their first values.",
}


def check_settings(definition: Definition, guess: Guess) -> Iterator[Problem]:
    """Check the expressions of the settings."""
    for written in texts(definition, _OF_SETTINGS):
        yield from _text(written, (), of_settings(), guess)


def check_references(site: Site, secrets: Collection[str], guess: Guess) -> Iterator[Problem]:
    """Check every expression of a graph and its nodes."""
    for place, field in _OF_GRAPH.items():
        sight = of_vars(site) if field == "vars" else of_output(site)
        for written in texts(site.graph, (place,)):
            yield from _text(written, site.path, sight, guess)
    for id, node in site.nodes():
        for written in site.texts[id]:
            sight = of_node(site, id, node, written.pattern, has_secrets=_is_activity_config(node, written))
            yield from _text(written, site.at(id), sight, guess, secrets)


def _is_activity_config(node: object, written: Written) -> bool:
    return written.is_template and (
        (isinstance(node, Activity) and written.pattern == ("config",)) or written.pattern == ("compensate", "config")
    )


def _text(written: Written, base: Path, sight: Sight, guess: Guess, secrets: Collection[str] = ()) -> Iterator[Problem]:
    path = pointer((*base, *written.path))
    for name in written.secrets:
        if not sight.has_secrets:
            yield _secret(path)
        elif name not in secrets:
            yield Problem("unknown_secret", path, f"There is no secret `{short(name)}`.")
    for read in written.references:
        if isinstance(read, PerdureError):
            yield Problem(read.code, path, read.message)
        else:
            yield from _references(read, path, sight, guess)


def _secret(path: str) -> Problem:
    hint = "Write `${{ secrets.name }}` with nothing else in it, in the `config` of an activity."
    return Problem("secret_not_allowed", path, "A secret stands by itself, in the config of an activity.", hint)


def _references(read: References, path: str, sight: Sight, guess: Guess) -> Iterator[Problem]:
    for name, fields in read.roots.items():
        yield from _root(name, fields, path, sight, guess)
    if sight.site is not None:
        for id, fields in read.nodes.items():
            yield from _node(id, fields, path, sight, sight.site, guess)
    elif read.nodes:
        yield _unknown("nodes", path, sight, guess)


def _root(name: str, fields: Fields, path: str, sight: Sight, guess: Guess) -> Iterator[Problem]:
    match name:
        case "vars" if sight.site is not None:
            yield from _variables(fields or (), path, sight, guess)
        case "secrets":
            yield _secret(path)
        case _ if name in sight.names:
            yield from _fields(name, fields, sight.names[name], path, guess)
        case _:
            yield _unknown(name, path, sight, guess)


def _variables(names: Collection[str], path: str, sight: Sight, guess: Guess) -> Iterator[Problem]:
    assert sight.site is not None
    for name in sorted(names):
        if sight.site.declarer(name) is None:
            yield undeclared(name, path, sight.site, guess)


def undeclared(name: str, path: str, site: Site, guess: Guess) -> Problem:
    """A variable that no graph around declares."""
    known = [declared for around in site.outward() for declared in around.graph.vars]
    hint = guess(name, known) or "Declare it in the `vars` of this graph, or of one around it."
    return Problem("unknown_variable", path, f"No variable `{short(name)}` is declared here.", hint)


def _fields(name: str, read: Fields, known: Fields, path: str, guess: Guess) -> Iterator[Problem]:
    for field in sorted(read - known) if known is not None and read is not None else ():
        message = f"There is no `{name}.{short(field)}` here."
        yield Problem("unknown_field", path, message, guess(field, sorted(known or ())))


def _unknown(name: str, path: str, sight: Sight, guess: Guess) -> Problem:
    message = f"`{short(name)}` means nothing here."
    known = [*sight.names] if sight.site is None else [*sight.names, "nodes", "vars"]
    if name in _ELSEWHERE:
        return Problem("unknown_root", path, message, _ELSEWHERE[name])
    if sight.owner(name) is not None:
        return Problem("unknown_root", path, message, f"For the node write `nodes.{name}`, for text put it in quotes.")
    if sight.site is not None and sight.site.declarer(name) is not None:
        return Problem("unknown_root", path, message, f"For the variable write `vars.{name}`.")
    return Problem("unknown_root", path, message, guess(name, known))


def _node(id: str, fields: Fields, path: str, sight: Sight, site: Site, guess: Guess) -> Iterator[Problem]:
    owner = sight.owner(id)
    if owner is None:
        yield Problem("unknown_node", path, f"There is no node `{short(id)}` here.", guess(id, site.wired.ids))
    elif not sight.sees(id, owner):
        hint = f"Make this node need `{id}`, directly or through others."
        yield Problem("not_upstream", path, f"`{id}` need not have finished by then: it is not upstream.", hint)
    else:
        yield from _fields(f"nodes.{id}", fields, NODE, path, guess)
