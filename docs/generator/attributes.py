"""Reads what stands below the fields of a class: Python itself does not keep those strings."""

import ast
import inspect
import textwrap
from collections.abc import Mapping
from itertools import pairwise


def attribute_docs(cls: type) -> Mapping[str, str]:
    """The string below each field that has one, by the field's name."""
    [written] = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
    assert isinstance(written, ast.ClassDef)
    found: dict[str, str] = {}
    for field, below in pairwise(written.body):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                found[name] = inspect.cleandoc(text)
            case _:
                pass
    return found
