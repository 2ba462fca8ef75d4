"""The page on the command `perdure`, from the command itself."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from typer.main import get_command

from cli.main import app
from docs.generator.markdown import code, codes, page, sentence, table

HOLDS = {"str": "text", "int": "whole number", "float": "number", "Path": "path", "bool": ""}


def cli() -> str:
    """Every verb with its arguments and options."""
    whole: Any = get_command(app)
    verbs = list(_verbs(whole))
    return page(
        "Command",
        sentence(whole.help or ""),
        table(
            ("verb", "", ""),
            [
                (f"[`perdure {name}`](#perdure-{name.replace(' ', '-')})", panel, verb.help)
                for name, panel, verb in verbs
            ],
        ),
        sentence(whole.epilog or ""),
        *(text for name, _, verb in verbs for text in _verb(name, verb)),
    )


def _verbs(whole: Any) -> Iterator[tuple[str, str, Any]]:
    """Name and panel of each verb, those of groups too."""
    for name, each in whole.commands.items():
        panel = each.rich_help_panel or ""
        inner: dict[str, Any] = getattr(each, "commands", {})
        yield from ((f"{name} {verb}", panel, found) for verb, found in inner.items())
        if not inner:
            yield name, panel, each


def _verb(name: str, verb: Any) -> Iterator[str]:
    arguments = [each for each in verb.params if not _is_option(each)]
    options = [each for each in verb.params if _is_option(each) and each.name != "help"]
    usage = [f"perdure {name}", *(["[OPTIONS]"] if options else []), *map(_in_usage, arguments)]
    yield f"## perdure {name}"
    yield "```\n" + " ".join(usage) + "\n```"
    yield str(verb.help)
    yield table(
        ("argument", "holds", "meaning"), [(code(_name(each)), _holds(each), _meaning(each)) for each in arguments]
    )
    yield table(
        ("option", "holds", "default", "meaning"),
        [(_spelled(each), _holds(each), _default(each), _meaning(each)) for each in options],
    )


def _is_option(each: Any) -> bool:
    return each.opts[0].startswith("-")


def _name(each: Any) -> str:
    return str(each.metavar or each.name).upper().rstrip(".")


def _in_usage(each: Any) -> str:
    name = _name(each) + ("…" if each.nargs == -1 else "")
    return name if each.required else f"[{name}]"


def _spelled(each: Any) -> str:
    return codes([*each.opts, *each.secondary_opts])


def _holds(each: Any) -> str:
    if each.type_descriptor is None or getattr(each, "is_flag", False):
        return ""
    annotation = each.type_descriptor.annotation
    choices = get_args(annotation) if get_origin(annotation) is Literal else ()
    said = codes(choices) or HOLDS.get(getattr(annotation, "__name__", ""), "text")
    least, most = getattr(each, "min", None), getattr(each, "max", None)
    if least is not None:
        said += f" from {least:,}" + (f" to {most:,}" if most is not None else "")
    return said + (", more than once" if getattr(each, "multiple", False) else "")


def _default(each: Any) -> str:
    match each.default:
        case None | "" | [] | ():
            return "needed" if each.required else ""
        case bool(given):
            return code(each.opts[0]) if given else ""
        case Path() as path:
            return code(path.as_posix())
        case given:
            return code(str(given))


def _meaning(each: Any) -> str:
    variable = f" Or the environment variable {code(str(each.envvar))}." if each.envvar else ""
    return sentence(each.help or "") + variable
