"""JinjaSQL, run inside a sandboxed worker: a template and its values to SQL text with placeholders.

What a `{{ expression }}` gives never becomes part of the SQL. It is put aside as a bound value, and
`:CLEANROOM_BIND_<n>` stands in its place; only text that passed the filter `sqlsafe` is written as it is. The mark of
such text is its type, `SqlText`, which no operation keeps: whatever is done to it afterwards gives a plain string, and
that is bound again.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from jinja2 import TemplateError, TemplateSyntaxError, Undefined, nodes, pass_context
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from cleanroom_ml.engine.rooms import policies
from cleanroom_ml.engine.rooms.arguments import NamesError, RenderRequest, check_names
from cleanroom_ml.engine.rooms.missing_values import naming
from cleanroom_ml.engine.rooms.policies import PolicyError
from cleanroom_ml.error_names import ErrorName

PLACEHOLDER = "CLEANROOM_BIND_"
MAX_SQL = 1 << 20
MAX_BINDS = 10_000
MAX_NUMBER = 10**38
_REFUSED_FILTERS = ("safe", "e", "escape", "forceescape", "tojson", "xmlattr", "urlize", "random", "pprint")
# Blocks whose output is written as it is: `{% call y.format() %}` would let a value into the SQL unbound.
_REFUSED_NODES = (
    nodes.CallBlock,
    nodes.FilterBlock,
    nodes.Include,
    nodes.Import,
    nodes.FromImport,
    nodes.Extends,
    nodes.ScopedEvalContextModifier,
)
_SQL_FILTERS = frozenset({"sqlsafe", "bind", "inclause", *policies.FILTERS})


class SqlText(str):
    """Text that is written into the statement as it is."""

    __slots__ = ()


class PolicyChecked(str):
    """A column name that a policy filter let pass; it is bound like any string, and `sqlsafe` after the filter is an
    error.
    """

    __slots__ = ()


class RenderError(Exception):
    """The template asks for something that cannot be."""

    def __init__(self, message: str, name: ErrorName = ErrorName.TemplateRenderError) -> None:
        super().__init__(message)
        self.name = name
        self.message = message


class _Environment(ImmutableSandboxedEnvironment):
    """Jinja's sandbox, in which blocks and macros give SQL (their expressions are bound already)."""

    @staticmethod
    def concat(parts: Iterable[str]) -> str:
        return SqlText("".join(parts))

    def call_filter(self, name: str, *args: Any, **kwargs: Any) -> Any:  # Any, as jinja2 has it
        # Filters named by a string (`map("sqlsafe")`) would let text into the SQL unseen by those who approve.
        if name in _SQL_FILTERS:
            raise RenderError(f"the filter {name} must be written out, not passed by name")
        return super().call_filter(name, *args, **kwargs)


class _Binder:
    """The values of one rendering, and the filters that make them."""

    def __init__(
        self, tables: Sequence[policies.Policies], providers: Sequence[policies.Policies], presets: Sequence[str]
    ) -> None:
        self.values: dict[str, object] = {}
        self.uses: set[policies.Use] = set()
        self._tables = tables
        self._providers = providers
        self._presets = presets

    def bind(self, value: object) -> SqlText:
        if isinstance(value, Undefined):
            raise RenderError(value._undefined_message)
        if isinstance(value, str):
            value = str(value)
        elif not (value is None or isinstance(value, bool | int | float)):
            raise RenderError(
                f"a {type(value).__name__} cannot be bound; use {{{{ … | inclause }}}} or an element of it"
            )
        if isinstance(value, int | float) and (not math.isfinite(value) or abs(value) >= MAX_NUMBER):
            raise RenderError("a number is too large to be bound")
        if len(self.values) >= MAX_BINDS:
            raise RenderError(f"the template binds more than {MAX_BINDS:,} values")
        name = f"{PLACEHOLDER}{len(self.values)}"
        self.values[name] = value
        return SqlText(f":{name}")

    def finalizer(self) -> Callable[[Context, object], str]:
        # Jinja evaluates constant expressions when it compiles, unless what finishes them needs the context.
        @pass_context
        def finalize(_: Context, value: object) -> str:
            return value if type(value) is SqlText else self.bind(value)

        return finalize

    def inclause(self, value: object) -> SqlText:
        if isinstance(value, Undefined):
            self.bind(value)
        if isinstance(value, str | Undefined | Mapping) or not isinstance(value, Iterable):
            raise RenderError("inclause is for lists")
        items = [self.bind(item) for item in value]
        if not items:
            raise RenderError("inclause of an empty list is no SQL")
        return SqlText("(" + ",".join(items) + ")")

    def sqlsafe(self, value: object) -> SqlText:
        if isinstance(value, PolicyChecked):
            raise RenderError("filters are applied left to right: write {{ column | sqlsafe | column_policy }}")
        if isinstance(value, Undefined):
            self.bind(value)
        return SqlText(str(value))

    def policy(self, name: str) -> object:
        def check(value: object) -> str:
            if isinstance(value, Undefined):
                self.bind(value)
            self.uses.add(policies.check(name, value, self._tables, self._providers, self._presets))
            return value if type(value) is SqlText else PolicyChecked(value)

        return check


def handle(request: RenderRequest, fds: Sequence[int] = ()) -> dict[str, object]:
    """Render (or, with `"check": true`, only compile) a template.

    Args:
        request: `template`; `variables`; `tables`: policies of each source table; `providers`: those of every view of
            another party (default: `tables`); `presets`: folded preset aliases;
            `parameters` and `arguments`: the names that are declared and passed (see `arguments.check_names`).
        fds: none are used.

    Returns:
        `{"sql", "binds", "uses"}` (`policies.Use`, as lists), or `{"error": {"name", "message"}}`.
    """
    try:
        return _render(request)
    except (PolicyError, NamesError) as error:
        return _error(error.name, error.message)
    except RenderError as error:
        return _error(error.name, error.message)
    except SecurityError:
        return _error(ErrorName.TemplateRenderError, "the template reaches for something that templates may not use")
    except TemplateSyntaxError as error:
        return _error(ErrorName.TemplateRenderError, f"line {error.lineno}: {error.message}")
    except TemplateError as error:
        return _error(ErrorName.TemplateRenderError, str(error.message)[:500])
    except MemoryError:
        return _error(ErrorName.TemplateRenderError, "the template needs too much memory")
    except RecursionError:
        return _error(ErrorName.TemplateRenderError, "the template is nested too deeply")
    except Exception as error:  # noqa: BLE001 - whatever a hostile template makes Python raise is that template's error
        return _error(ErrorName.TemplateRenderError, f"{type(error).__name__} while rendering")


def _render(request: RenderRequest) -> dict[str, object]:
    tables = request.get("tables", ())
    binder = _Binder(tables, request.get("providers", tables), request.get("presets", ()))
    environment = _Environment(
        autoescape=False,
        keep_trailing_newline=True,
        finalize=binder.finalizer(),
        undefined=naming(request.get("variables", {})),
    )
    for name in _REFUSED_FILTERS:
        environment.filters.pop(name, None)
    environment.globals.pop("lipsum", None)
    environment.filters["bind"] = lambda value, name=None: binder.bind(value)
    environment.filters["inclause"] = binder.inclause
    environment.filters["sqlsafe"] = binder.sqlsafe
    environment.filters["identifier"] = _no_identifier
    for name in policies.FILTERS:
        environment.filters[name] = binder.policy(name)
    tree = environment.parse(request["template"])
    for kind in _REFUSED_NODES:
        for node in tree.find_all(kind):
            raise RenderError(f"line {node.lineno}: templates may not use this kind of block ({kind.__name__})")
    check_names(tree, request)
    compiled = environment.from_string(tree)
    if request.get("check"):
        return {"sql": "", "binds": {}}
    _check_presets(tree, request)
    pieces: list[str] = []
    length = 0
    for piece in compiled.generate(**request["variables"]):
        length += len(piece)
        if length > MAX_SQL:
            raise RenderError(f"the statement has more than {MAX_SQL:,} characters")
        pieces.append(piece)
    return {"sql": "".join(pieces), "binds": binder.values, "uses": sorted(binder.uses)}


def _check_presets(tree: nodes.Template, request: RenderRequest) -> None:
    presets = set(request.get("presets", ()))
    for name in tree.find_all(nodes.Name):
        if name.ctx == "load" and name.name.upper() in presets and name.name not in request["variables"]:
            raise RenderError(
                f"'{name.name}' is pinned by this template via preset_table(s) and cannot be used as a Jinja variable "
                "or given a policy filter.",
                ErrorName.PresetTableUnsupportedReferenceError,
            )


def _no_identifier(value: object, *_: object) -> str:
    raise RenderError("the filter identifier is not supported: write IDENTIFIER({{ … }})")


def _error(name: ErrorName, message: str) -> dict[str, object]:
    # Control characters in a message would end up in somebody's terminal.
    displayed = "".join(char if char.isprintable() or char == "\n" else "?" for char in message)
    return {"error": json.loads(json.dumps({"name": name, "message": displayed}))}
