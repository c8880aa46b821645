"""The names in a template: which variables it takes from outside, and which of them nobody could have meant.

Read from Jinja's own syntax tree, by the command line from a person's own files, and by the engine inside the rendering
sandbox. Nothing of the template is evaluated.

Rule (custom templates, "Custom variables"; template specification, `parameters`; ML jobs, "Register templates"): a
template may use any variable, and `parameters` lists those that its runner passes. The documentation's own templates
have no list at all, or leave out of it what they give a default (`{{ num_instances | default(1) }}`) or ask for
(`{% if where_clause %}`). So without a list every variable is an argument; with one, a variable is declared, provided
by the clean room, or has such a provision, and anything else is a slip of the pen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from jinja2 import TemplateSyntaxError, meta, nodes, pass_context
from jinja2.filters import FILTERS
from jinja2.sandbox import SandboxedEnvironment

PROVIDED = ("source_table", "my_table", "preset_tables")
"""Variables that the clean room fills."""

SQL_FILTERS = (
    "sqlsafe", "bind", "inclause", "join_policy", "column_policy", "activation_policy", "join_and_column_policy",
)  # fmt: skip
# Declared by convention for the tables that fill source_table and my_table.
_TABLES = ("source_tables", "my_tables")


@dataclass(frozen=True, slots=True)
class Unknown:
    """Something in a template that cannot be meant. `line` is 1-based; `allowed` says what could be there."""

    line: int
    what: str
    allowed: str = ""


@dataclass(frozen=True, slots=True)
class Names:
    """The variables that a template takes from outside, each with the line of its first use.

    `optional` are those whose absence the template provides for.
    """

    lines: dict[str, int]
    optional: frozenset[str]

    def arguments(self, parameters: Sequence[str]) -> frozenset[str]:
        """What a runner may pass: what is declared, and what the template uses."""
        return frozenset((*parameters, *self.lines)) - frozenset(PROVIDED)

    def unknown(self, parameters: Sequence[str], presets: Sequence[str] = ()) -> Iterator[tuple[str, Unknown]]:
        """Variables that are neither declared nor provided, by name.

        Args:
            parameters: the names that the template declares.
            presets: the aliases of its preset tables, whose misuse has an error of its own.
        """
        if not parameters:
            return
        known = {*parameters, *PROVIDED}
        unused = [name for name in parameters if name not in self.lines and name not in _TABLES]
        for name, line in self.lines.items():
            if name in known or name.upper() in {alias.upper() for alias in presets}:
                continue
            # A default hides a slip: where the parameter that was meant is used nowhere, it is one.
            near = get_close_matches(name, unused if name in self.optional else sorted(known), n=1, cutoff=0.75)
            if name in self.optional and not near:
                continue
            hint = f"; did you mean {near[0]!r}?" if near else ""
            what = f"the variable {name!r} is neither a parameter nor provided by the clean room{hint}"
            yield name, Unknown(line, what, ", ".join((*parameters, *PROVIDED)))


def names_of(tree: nodes.Template) -> Names:
    """The names of a parsed template. Raises RecursionError where it is nested too deeply."""
    outside = meta.find_undeclared_variables(tree) - set(tree.environment.globals if tree.environment else ())
    lines: dict[str, int] = {}
    for node in tree.find_all(nodes.Name):
        if node.name in outside:
            lines[node.name] = min(node.lineno, lines.get(node.name, node.lineno))
    return Names(dict(sorted(lines.items(), key=lambda item: item[1])), frozenset(_asked_for(tree)))


def template_problems(body: str, parameters: Sequence[str], presets: Sequence[str] = ()) -> Iterator[Unknown]:
    """What is wrong with a template's text: its syntax, filters that there are not, and unknown variables."""
    try:
        names = names_of(_Reader().parse(body))
    except TemplateSyntaxError as error:
        yield Unknown(error.lineno, str(error.message))
        return
    except RecursionError:
        yield Unknown(1, "is nested too deeply")
        return
    for _, unknown in names.unknown(parameters, presets):
        yield unknown


class _Reader(SandboxedEnvironment):
    """Reads templates without computing what is constant in them: `{{ 'x' * 1000000000 }}` stays as it stands."""

    intercepted_binops = frozenset(SandboxedEnvironment.default_binop_table)
    intercepted_unops = frozenset(SandboxedEnvironment.default_unop_table)

    def __init__(self) -> None:
        super().__init__(autoescape=False, keep_trailing_newline=True, finalize=_unread)
        self.filters = dict.fromkeys((*FILTERS, *SQL_FILTERS), _unread)


@pass_context
def _unread(context: object, value: object, *_: object, **__: object) -> object:
    raise AssertionError("templates are read here, never rendered")


def _asked_for(tree: nodes.Template) -> Iterator[str]:
    """Variables whose absence is provided for: by a default, or by asking whether they are there."""
    for filtered in tree.find_all(nodes.Filter):
        if filtered.name in ("default", "d") and isinstance(filtered.node, nodes.Name):
            yield filtered.node.name
    for test in tree.find_all(nodes.Test):
        if test.name in ("defined", "undefined") and isinstance(test.node, nodes.Name):
            yield test.node.name
    for block in tree.find_all(nodes.If):
        yield from _truth_of(block.test)
    for chosen in tree.find_all(nodes.CondExpr):
        yield from _truth_of(chosen.test)


def _truth_of(test: nodes.Node) -> Iterator[str]:
    if isinstance(test, nodes.Name):
        yield test.name
    elif isinstance(test, nodes.Not):
        yield from _truth_of(test.node)
    elif isinstance(test, nodes.And | nodes.Or):
        yield from _truth_of(test.left)
        yield from _truth_of(test.right)
