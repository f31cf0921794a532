"""Parsed queries read for their shape: which of them can be taken apart, and into what.

Only what is known to give the same answer either way is taken; at the first thing that is not, the query is left
alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from embedded_arc.columns import TIME
from embedded_arc.nodes import (
    EMPTY_SELECT,
    NOWHERE,
    Node,
    distinct,
    placeless,
    reference,
    terms,
    unnamed,
    walk,
)
from embedded_arc.shapes import Bound, Shape

_COMBINED: Final[Mapping[str, tuple[tuple[str, ...], str]]] = {
    # name: what is computed in a file, and SQL that makes one value of the pieces
    "count_star": (("count_star",), "coalesce(sum({0}), 0)"),
    "count": (("count",), "coalesce(sum({0}), 0)"),
    "sum": (("sum",), "sum({0})"),
    "avg": (("sum", "count"), "sum({0})::DOUBLE / nullif(sum({1}), 0)::DOUBLE"),
    "mean": (("sum", "count"), "sum({0})::DOUBLE / nullif(sum({1}), 0)::DOUBLE"),
    "min": (("min",), "min({0})"),
    "max": (("max",), "max({0})"),
    "any_value": (("any_value",), "any_value({0})"),
}

_PLAIN_CLASSES: Final = frozenset(
    {"COLUMN_REF", "CONSTANT", "FUNCTION", "CAST", "COMPARISON", "CONJUNCTION", "OPERATOR", "CASE", "BETWEEN"}
)

_LOWER: Final = {"COMPARE_GREATERTHAN": 1, "COMPARE_GREATERTHANOREQUALTO": 0}
_UPPER: Final = {"COMPARE_LESSTHAN": -1, "COMPARE_LESSTHANOREQUALTO": 0}
_MIRRORED: Final = {
    "COMPARE_GREATERTHAN": "COMPARE_LESSTHAN",
    "COMPARE_GREATERTHANOREQUALTO": "COMPARE_LESSTHANOREQUALTO",
    "COMPARE_LESSTHAN": "COMPARE_GREATERTHAN",
    "COMPARE_LESSTHANOREQUALTO": "COMPARE_GREATERTHANOREQUALTO",
}


@dataclass(frozen=True, slots=True)
class Functions:
    """What DuckDB says of its functions, by name in lower case."""

    aggregates: frozenset[str]
    constant: frozenset[str]
    """Scalar functions whose result depends on nothing but their arguments."""


class _No(Exception):
    """The query cannot be taken apart."""


def shape_of(
    tree: Node, columns: Sequence[str], functions: Functions, sql_of: Callable[[Node], str]
) -> Shape | None:
    """`tree` taken apart, or None. `columns` are those of its one table; `sql_of` spells a tree as SQL."""
    if tree["type"] != "SELECT_NODE" or tree["from_table"]["type"] != "BASE_TABLE":
        return None
    try:
        return _Reader(tree, columns, functions, sql_of).read()
    except _No:
        return None


class _Reader:
    def __init__(
        self, tree: Node, columns: Sequence[str], functions: Functions, sql_of: Callable[[Node], str]
    ) -> None:
        self._tree = tree
        self._functions = functions
        self._sql_of = sql_of
        self._columns = {name.lower() for name in columns}
        source = tree["from_table"]
        self._names = {str(source["alias"] or source["table_name"]).lower()}
        self._groups: list[Node] = []
        self._counted: list[Node] = []
        self._pieces: dict[str, tuple[str, str] | None] = {}
        self._values: dict[str, str] = {}

    def read(self) -> Shape:
        tree = self._tree
        source = tree["from_table"]
        unusual = (
            tree["cte_map"]["map"],
            tree["sample"],
            tree["qualify"],
            source["sample"],
            source["column_name_alias"],
            source["at_clause"],
        )
        if any(unusual):
            raise _No
        low, high, conditions = self._where(tree["where_clause"])
        items = [self._plain(item) for item in tree["select_list"]]
        aliases = {str(item["alias"]).lower(): item for item in tree["select_list"] if item["alias"]}
        self._groups = self._group_by(tree, items, aliases)
        if not self._groups and not any(map(self._has_aggregate, items)):
            raise _No
        outer = self._outer(tree, items, aliases)
        return Shape(
            groups=tuple(map(self._expression, self._groups)),
            counted=tuple(map(self._expression, self._counted)),
            columns=tuple(
                self._column(node) if node["class"] == "COLUMN_REF" else None
                for node in (*self._groups, *self._counted)
            ),
            pieces=tuple(self._pieces),
            calls=tuple(self._pieces.values()),
            conditions=tuple(map(self._expression, conditions)),
            values=tuple(self._values.values()),
            outer=outer,
            low=tuple(low),
            high=tuple(high),
        )

    # The window of time, and the other conditions

    def _where(self, where: Node | None) -> tuple[list[Bound], list[Bound], list[Node]]:
        low: list[Bound] = []
        high: list[Bound] = []
        others: list[Node] = []
        for term in terms(where):
            if term["class"] == "COMPARISON" and self._is_time(term["right"]) and term["type"] in _MIRRORED:
                term = {**term, "type": _MIRRORED[term["type"]], "left": term["right"], "right": term["left"]}
            if term["class"] == "BETWEEN" and self._is_time(term["input"]):
                low.append(self._bound(term["lower"], 0))
                high.append(self._bound(term["upper"], 0))
            elif term["class"] == "COMPARISON" and self._is_time(term["left"]) and term["type"] in _LOWER:
                low.append(self._bound(term["right"], _LOWER[term["type"]]))
            elif term["class"] == "COMPARISON" and self._is_time(term["left"]) and term["type"] in _UPPER:
                high.append(self._bound(term["right"], _UPPER[term["type"]]))
            else:
                others.append(self._plain(term))
        return low, high, others

    def _is_time(self, node: Node) -> bool:
        return node["class"] == "COLUMN_REF" and self._column(node) == TIME

    def _bound(self, node: Node, add_us: int) -> Bound:
        """An end of the window; it may say ``now()``, but names no column."""
        for inner in walk(node):
            if inner["class"] not in _PLAIN_CLASSES - {"COLUMN_REF"}:
                raise _No
            if inner["class"] == "FUNCTION" and inner["function_name"].lower() in self._functions.aggregates:
                raise _No
        return Bound(self._expression(placeless(node)), add_us)

    # Groups

    def _group_by(self, tree: Node, items: list[Node], aliases: Mapping[str, Node]) -> list[Node]:
        if tree["aggregate_handling"] == "FORCE_AGGREGATES":
            return distinct([bare for item in items if not self._has_aggregate(bare := unnamed(item))])
        given = tree["group_expressions"]
        if tree["group_sets"] not in ([], [list(range(len(given)))]):
            raise _No
        found = []
        for node in given:
            if node["class"] == "CONSTANT":
                place = node["value"].get("value")
                if not isinstance(place, int) or not 0 < place <= len(items):
                    raise _No
                node = items[place - 1]
            elif node["class"] == "COLUMN_REF" and len(node["column_names"]) == 1:
                # A column comes before an alias of that name.
                name = node["column_names"][0].lower()
                if name not in self._columns and name in aliases:
                    node = aliases[name]
            group = unnamed(self._plain(node))
            if self._has_aggregate(group):
                raise _No
            found.append(group)
        return distinct(found)

    # The last step

    def _outer(self, tree: Node, items: list[Node], aliases: Mapping[str, Node]) -> str:
        outer = {
            **tree,
            "select_list": [{**self._replaced(unnamed(item)), "alias": item["alias"]} for item in items],
            "from_table": {**tree["from_table"], "schema_name": "", "table_name": "combined", "alias": ""},
            "where_clause": None
            if tree["having"] is None
            else self._replaced(unnamed(self._plain(tree["having"]))),
            "having": None,
            "group_expressions": [],
            "group_sets": [],
            "aggregate_handling": "STANDARD_HANDLING",
            "modifiers": [self._modifier(modifier, aliases) for modifier in tree["modifiers"]],
        }
        return self._sql_of(placeless(outer))

    def _modifier(self, modifier: Node, aliases: Mapping[str, Node]) -> Node:
        if modifier["type"] == "LIMIT_MODIFIER":
            for end in ("limit", "offset"):
                if modifier[end] is not None and modifier[end]["class"] != "CONSTANT":
                    raise _No
            return modifier
        if modifier["type"] != "ORDER_MODIFIER":
            raise _No
        orders = []
        for order in modifier["orders"]:
            node = order["expression"]
            by_place = node["class"] in ("CONSTANT", "STAR")  # ORDER BY 1, ORDER BY ALL
            by_alias = (
                node["class"] == "COLUMN_REF"
                and len(node["column_names"]) == 1
                and node["column_names"][0].lower() in aliases
            )
            if not by_place and not by_alias:
                node = self._replaced(unnamed(self._plain(node)))
            orders.append({**order, "expression": node})
        return {**modifier, "orders": orders}

    def _replaced(self, node: Node) -> Node:
        """`node` with its groups and aggregates replaced by columns of ``combined``."""
        bare = unnamed(node)
        if bare in self._groups:
            return reference(f"g{self._groups.index(bare)}")
        if self._is_aggregate(node):
            return reference(self._value(node))
        if node["class"] == "COLUMN_REF":
            raise _No
        return {key: self._replaced_inside(item) for key, item in node.items()}

    def _replaced_inside(self, item: Any) -> Any:
        if isinstance(item, dict):
            if "class" in item:
                return self._replaced(item)
            return {key: self._replaced_inside(inner) for key, inner in item.items()}
        if isinstance(item, list):
            return [self._replaced_inside(inner) for inner in item]
        return item

    def _value(self, node: Node) -> str:
        """The name of an aggregate's column in ``combined``."""
        whole = self._expression(node)
        if whole not in self._values:
            name = node["function_name"].lower()
            if node["order_bys"]["orders"] or len(node["children"]) > 1:
                raise _No
            if node["distinct"]:
                if name != "count" or node["filter"] is not None:
                    raise _No
                self._values[whole] = f"count(DISTINCT x{self._place_counted(unnamed(node['children'][0]))})"
                return f"a{list(self._values).index(whole)}"
            pieces, combine = _COMBINED[name]
            of = node["children"][0] if node["children"] and node["filter"] is None else None
            column = self._column(of) if of is not None and of["class"] == "COLUMN_REF" else None
            names = []
            for piece in pieces:
                text = self._expression({**node, "function_name": piece})
                self._pieces.setdefault(text, None if column is None else (piece, column))
                names.append(f"p{list(self._pieces).index(text)}")
            self._values[whole] = combine.format(*names)
        return f"a{list(self._values).index(whole)}"

    def _place_counted(self, node: Node) -> int:
        if node not in self._counted:
            self._counted.append(node)
        return self._counted.index(node)

    # Expressions

    def _plain(self, node: Node) -> Node:
        """`node` if it is made of constants, columns and functions of them; with columns spelled in one way."""
        for inner in walk(node):
            if inner["class"] not in _PLAIN_CLASSES:
                raise _No
            if inner["class"] == "FUNCTION":
                name = inner["function_name"].lower()
                known = (
                    name in _COMBINED
                    if name in self._functions.aggregates
                    else name in self._functions.constant
                )
                if not known or inner["schema"] or inner["catalog"] or inner["export_state"]:
                    raise _No
        plain: Node = self._spelled(placeless(node))
        return plain

    def _spelled(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._spelled(item) for item in value]
        if not isinstance(value, dict):
            return value
        if value.get("class") == "COLUMN_REF":
            return {**value, "column_names": [self._column(value)]}
        return {key: self._spelled(item) for key, item in value.items()}

    def _column(self, node: Node) -> str:
        """The column that a reference means, in lower case."""
        *table, column = (str(name).lower() for name in node["column_names"])
        if column not in self._columns or (table and (len(table) > 1 or table[0] not in self._names)):
            raise _No
        return column

    def _is_aggregate(self, node: Node) -> bool:
        return node["class"] == "FUNCTION" and node["function_name"].lower() in self._functions.aggregates

    def _has_aggregate(self, node: Node) -> bool:
        return any(map(self._is_aggregate, walk(node)))

    def _expression(self, node: Node) -> str:
        """`node` as SQL."""
        select = {**placeless(self._tree), **EMPTY_SELECT, "select_list": [unnamed(node)]}
        select["from_table"] = {"type": "EMPTY", "alias": "", "sample": None, "query_location": NOWHERE}
        return self._sql_of(select).removeprefix("SELECT ")
