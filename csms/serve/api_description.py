"""The OpenAPI description of the operator's API."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

_NAMED = {"in": "path", "required": True, "schema": {"type": "string"}}
_PROBLEM = {"description": "An error in a sentence", "content": {"application/problem+json": {}}}


def _does(summary: str, *parameters: str, query: tuple[str, ...] = (), body: Any = None, ok: str = "200") -> Any:
    found: dict[str, Any] = {
        "summary": summary,
        "parameters": [{"name": name, **_NAMED} for name in parameters]
        + [{"name": name, "in": "query", "schema": {"type": "string"}} for name in query],
        "responses": {ok: {"description": "As asked"}, "default": _PROBLEM},
    }
    if body is not None:
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    return found


def _object(required: list[str], **properties: Any) -> Any:
    return {"type": "object", "required": required, "properties": properties, "additionalProperties": False}


_TEXT = {"type": "string"}
_TOKEN = _object(["status"], status={"enum": ["Accepted", "Blocked", "Expired", "Invalid"]}, parent=_TEXT)


def description(actions: Collection[str]) -> dict[str, Any]:
    """Return the OpenAPI description of an API whose commands are `actions`, in whichever OCPP version."""
    command = _object(
        ["action"], action={"enum": sorted(actions)}, payload={"type": "object"}, force={"type": "boolean"}
    )
    return {
        "openapi": "3.1.0",
        "info": {"title": "Interlock reference CSMS", "version": "1"},
        "security": [{"token": []}],
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
        "paths": {
            "/api/fleet": {"get": _does("Stations at a glance, all or some by id", query=("after", "limit", "id"))},
            "/api/stations": {"get": _does("Stations", query=("after", "limit"))},
            "/api/stations/{station}": {"get": _does("A station", "station")},
            "/api/stations/{station}/connectors": {"get": _does("Its connectors", "station")},
            "/api/stations/{station}/transactions": {"get": _does("Its transactions", "station")},
            "/api/stations/{station}/events": {"get": _does("Its events", "station", query=("after", "limit", "last"))},
            "/api/stations/{station}/frames": {
                "get": _does("Its frames as they pass, one record of an Open OCPP Trace a line", "station")
            },
            "/api/stations/{station}/deviations": {"get": _does("What it sends that it should not", "station")},
            "/api/stations/{station}/commands": {
                "get": _does("Its commands that are remembered, the newest first", "station"),
                "post": _does("Ask for a command; header Idempotency-Key", "station", body=command, ok="202"),
            },
            "/api/stations/{station}/key": {
                "put": _does("Give it a password", "station", body=_object(["password"], password=_TEXT), ok="204"),
                "delete": _does("Take its password away", "station", ok="204"),
            },
            "/api/commands/{command}": {"get": _does("A command and its history", "command", query=("wait",))},
            "/api/commands/{command}/close": {
                "post": _does("End a doubt by hand", "command", body=_object(["statement"], statement=_TEXT))
            },
            "/api/tokens": {"get": _does("Tokens")},
            "/api/tokens/{token}": {
                "get": _does("A token", "token"),
                "put": _does("Say how a token is answered", "token", body=_TOKEN),
                "delete": _does("Answer it as an unknown token from now on", "token", ok="204"),
            },
            "/api/events": {"get": _does("Events as they are committed, as server-sent events", query=("after",))},
            "/metrics": {"get": _does("Counters for Prometheus")},
            "/health/live": {"get": _does("Whether the process answers")},
            "/health/ready": {"get": _does("Whether the store answers and takes what it is given")},
        },
    }
