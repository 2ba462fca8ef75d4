"""The description of the API, and a page that shows it without asking anything of the net."""

from html import escape
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute

from api.live.shapes import ExecutionMessage, ListMessage
from api.problems import Problem

VERSION = version("perdure")
DESCRIPTION = """Durable workflows: store them, publish them, run them.

Send an API key with every request: `Authorization: Bearer <key>`. Every error is a problem (RFC 9457) with a stable
`code`. Lists are `{items, next}`; give `next` as `cursor` for the page after. `{workflow}` is an id or a name."""

router = APIRouter(include_in_schema=False)


def operation_id(route: APIRoute) -> str:
    """The name of the function, which is unique."""
    return route.name


def install(app: FastAPI) -> None:
    """Let an app tell its problems as they are, instead of FastAPI's own, and what its streams say."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = generate()
            schemas = document.setdefault("components", {}).setdefault("schemas", {})
            for name in ("HTTPValidationError", "ValidationError"):
                schemas.pop(name, None)
            for model in (Problem, ExecutionMessage, ListMessage):
                made = model.model_json_schema(ref_template="#/components/schemas/{model}", mode="serialization")
                schemas.update(made.pop("$defs"), **{model.__name__: made})
        assert app.openapi_schema is not None
        return app.openapi_schema

    app.openapi = openapi


@router.get("/api/docs", response_class=HTMLResponse)
async def docs(request: Request) -> str:
    """Every operation on one plain page."""
    return page(request.app.openapi())


def page(document: dict[str, Any]) -> str:
    """Write the description as HTML."""
    rows = "".join(
        f"<tr><td><code>{method.upper()}</code></td><td><code>{escape(path)}</code></td>"
        f"<td>{escape(operation.get('summary', ''))}<br><small>{escape(operation.get('description', ''))}</small></td>"
        f"<td>{', '.join(operation['responses'])}</td></tr>"
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    )
    info = document["info"]
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(info["title"])}: the API</title>'
        "<style>body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}"
        "td,th{text-align:left;vertical-align:top;padding:.3rem .8rem .3rem 0}small{color:#666}</style>"
        f"<h1>{escape(info['title'])} {escape(info['version'])}</h1><p>{escape(info['description'])}</p>"
        '<p>As OpenAPI: <a href="/api/openapi.json">/api/openapi.json</a></p>'
        f"<table><tr><th></th><th>Path</th><th>What it does</th><th>Answers</th></tr>{rows}</table></html>"
    )
