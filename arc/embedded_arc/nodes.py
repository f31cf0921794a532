"""Nodes of a parsed query, as DuckDB's `json_serialize_sql` gives them: walked, compared and put together."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

Node = dict[str, Any]

NOWHERE: Final = 2**64 - 1
"""DuckDB's own mark for an expression without a place in the text."""

EMPTY_SELECT: Final[Node] = {
    "modifiers": [],
    "where_clause": None,
    "group_expressions": [],
    "group_sets": [],
    "aggregate_handling": "STANDARD_HANDLING",
    "having": None,
    "sample": None,
    "qualify": None,
}


def terms(where: Node | None) -> Iterator[Node]:
    """The conditions that all have to hold."""
    if where is None:
        return
    if where["class"] == "CONJUNCTION" and where["type"] == "CONJUNCTION_AND":
        for child in where["children"]:
            yield from terms(child)
    else:
        yield where


def walk(value: Any) -> Iterator[Node]:
    """Every expression in `value`, itself first."""
    if isinstance(value, list):
        for item in value:
            yield from walk(item)
    elif isinstance(value, dict):
        if "class" in value:
            yield value
        for item in value.values():
            yield from walk(item)


def placeless(value: Any) -> Any:
    """`value` without the places in the text, so that equal expressions are equal."""
    if isinstance(value, list):
        return [placeless(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: NOWHERE if key == "query_location" else placeless(item) for key, item in value.items()}


def unnamed(node: Node) -> Node:
    return {**node, "alias": ""}


def distinct(nodes: Sequence[Node]) -> list[Node]:
    return [node for i, node in enumerate(nodes) if node not in nodes[:i]]


def reference(name: str) -> Node:
    return {
        "class": "COLUMN_REF",
        "type": "COLUMN_REF",
        "alias": "",
        "query_location": NOWHERE,
        "column_names": [name],
    }


def statement(tree: Node) -> str:
    """`tree` as the text that DuckDB's `json_deserialize_sql` takes."""
    return json.dumps({"error": False, "statements": [{"node": tree, "named_param_map": []}]})
