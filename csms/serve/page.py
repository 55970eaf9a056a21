"""The live page and the page of the API's endpoints: files of the folder `ui` only.

The files hold no data, so they are served without the token; the page asks the user for it and sends it with each
request. The content security policy lets the browser load and run only these files, and send nothing elsewhere; text
is never inserted as markup.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from html import escape
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

FOLDER = Path(__file__).parent / "ui"
KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
Handler = Callable[[Request], Awaitable[Response]]


def routes(described: Callable[[], dict[str, Any]]) -> Iterator[tuple[str, Handler]]:
    """Yield the paths of the page and what answers each; `described` returns the OpenAPI description."""
    for path in sorted(FOLDER.iterdir()):
        if path.suffix in KINDS:
            yield ("/" if path.name == "index.html" else f"/ui/{path.name}"), _file(path)

    async def docs(request: Request) -> Response:
        return Response(reference(described()), media_type="text/html", headers=HEADERS)

    yield "/docs", docs


def _file(path: Path) -> Handler:
    content, kind = path.read_bytes(), KINDS[path.suffix]

    async def file(request: Request) -> Response:
        return Response(content, media_type=kind, headers=HEADERS)

    return file


# --- the endpoints, as a page ---


def reference(described: dict[str, Any]) -> str:
    """Return the page that lists the endpoints of an OpenAPI description."""
    paths = "\n".join(
        _endpoint(method, path, about)
        for path, methods in described["paths"].items()
        for method, about in methods.items()
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>API · Interlock</title>
<link rel="icon" href="/ui/icon.svg">
<link rel="stylesheet" href="/ui/style.css">
</head>
<body>
<header class="bar"><h1><a href="/">Interlock</a></h1><p>the operator's API</p></header>
<main class="docs">
<p>Show the API token with each request: <code>Authorization: Bearer TOKEN</code>. Errors are
<code>application/problem+json</code> with one sentence in <code>detail</code>. A command is answered 202 once its
intent is in the log; with an <code>Idempotency-Key</code> it is asked for once, however often it is sent.
Machines read <a href="/openapi.json">/openapi.json</a>.</p>
<pre tabindex="0">curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1:8080/api/stations
curl -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -H 'Idempotency-Key: 7' \\
  -d '{{"action": "TriggerMessage", "payload": {{"requestedMessage": "Heartbeat"}}}}' \\
  http://127.0.0.1:8080/api/stations/CP01/commands</pre>
{paths}
</main>
</body>
</html>
"""


def _endpoint(method: str, path: str, about: dict[str, Any]) -> str:
    query = [one["name"] for one in about["parameters"] if one["in"] == "query"]
    body = about.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    lines = [f"<h2><span>{escape(method.upper())}</span> <code>{escape(path)}</code></h2>"]
    lines.append(f"<p>{escape(about['summary'])}</p>")
    if query:
        lines.append(f"<p>Query: {', '.join(f'<code>{escape(name)}</code>' for name in query)}</p>")
    if body is not None:
        lines.append(_members(body))
    return f"<section>{''.join(lines)}</section>"


def _members(schema: dict[str, Any]) -> str:
    rows = []
    for name, about in schema.get("properties", {}).items():
        words = about.get("enum")
        kind = ", ".join(map(str, words)) if words else about.get("type", "any")
        needed = "required" if name in schema.get("required", ()) else "optional"
        rows.append(f"<tr><th><code>{escape(name)}</code></th><td>{needed}</td><td>{escape(kind)}</td></tr>")
    return f'<div class="scroll" tabindex="0"><table>{"".join(rows)}</table></div>'
