"""Resolution: every name of a query is looked up and replaced, every construct and function is on a list, or the
query is refused.

The tree that leaves here holds only: constructs of grammar.PARTS, `Raw` pieces of ours, column references, literals.
Tables have
become scans of the catalog's objects; nothing of the client's text reaches DuckDB as anything but a quoted identifier
or a literal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sqlglot import exp

from cleanroom_ml.engine.load.big_texts import BIG_TEXTS
from cleanroom_ml.engine.sql import build as building
from cleanroom_ml.engine.sql import grammar
from cleanroom_ml.engine.sql.binds import Binds
from cleanroom_ml.engine.sql.build import Build
from cleanroom_ml.engine.sql.catalog import (
    Catalog,
    NameListener,
    ResultCatalog,
    RowsSource,
    StageCatalog,
    StageReference,
    TableSource,
    ViewSource,
)
from cleanroom_ml.engine.sql.dialect import parse_ast, raw, snowflake_text
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.expressions import Expressions
from cleanroom_ml.engine.sql.kinds import KIND, kind_of, kind_of_type
from cleanroom_ml.engine.sql.lists import Folded
from cleanroom_ml.engine.sql.literals import literal
from cleanroom_ml.engine.sql.names import folded, stage_reference
from cleanroom_ml.engine.sql.staged import column_of, staged_relation
from cleanroom_ml.engine.sql.tablefunctions import flatten, generator, split_to_table
from cleanroom_ml.naming import quote_name

MAX_VIEW_DEPTH: Final = 16
Kinds = Mapping[str, "str | None"]
"""Column → kind."""


@dataclass(slots=True)
class Scope:
    """What one SELECT sees: its FROM items by alias (None: columns not known), and the query around it."""

    parent: Scope | None = None
    sources: dict[str, Kinds | None] = field(default_factory=dict)
    positional: tuple[str, tuple[str, ...]] | None = None
    """Alias and columns that `$1`, `$2` … mean."""
    staged: str | None = None
    """Alias of a staged source: `$1` are its columns by number."""
    staged_columns: Mapping[str, str] | None = None
    """Of a staged Parquet source whose columns are known: the file's column → its name in the relation."""
    generated: str | None = None
    """Alias of a GENERATOR: its rows are numbered."""

    def kind(self, column: str, table: str | None) -> str | None:
        scope: Scope | None = self
        while scope is not None:
            found = [kinds for alias, kinds in scope.sources.items() if table is None or alias == table]
            if any(kinds is None for kinds in found):
                return None
            for kinds in found:
                if kinds is not None and column in kinds:
                    return kinds[column]
            scope = scope.parent
        return None

    def has(self, table: str) -> bool:
        """Whether an alias stands for something here."""
        scope: Scope | None = self
        while scope is not None:
            if table in scope.sources:
                return True
            scope = scope.parent
        return False

    def is_row(self, column: str) -> bool:
        """Whether DuckDB would take a column's name without an alias for a whole row: it is only an alias here."""
        folded = column.casefold()
        scope: Scope | None = self
        while scope is not None:
            if any(kinds is not None and column in kinds for kinds in scope.sources.values()):
                return False
            if any(alias.casefold() == folded for alias in scope.sources):
                above = scope.parent.sources if scope.parent is not None else {}
                return column not in (above.get("") or {})  # what SELECT calls its columns
            scope = scope.parent
        return False

    def other_case(self, column: str, table: str | None) -> bool:
        """Whether there is no such column, but one that only DuckDB would take for it: its name in another case."""
        folded = column.casefold()
        found = False
        scope: Scope | None = self
        while scope is not None:
            for alias, kinds in scope.sources.items():
                if table is not None and alias != table:
                    continue
                if kinds is None or column in kinds:
                    return False
                found = found or any(name.casefold() == folded for name in kinds)
            scope = scope.parent
        return found


@dataclass(frozen=True, slots=True)
class Relation:
    """A rewritten FROM item and its columns."""

    node: Any
    kinds: Kinds | None
    name: tuple[str, ...] | None = None
    """What the catalog knows it by; None: it is nothing of the catalog's."""


@dataclass(frozen=True, slots=True)
class CommonTable:
    name: str
    kinds: Kinds | None


class Resolver:
    """Rewrites trees against one catalog. Views get a resolver of their own, with their definer's catalog and the
    same `Build`.
    """

    def __init__(self, build: Build, catalog: Catalog, binds: Binds, *, depth: int = 0) -> None:
        self.build = build
        self.catalog = catalog
        self.binds = binds
        self.depth = depth
        self.expressions = Expressions(self)
        self.width = 1
        """Columns that the statement reads of staged CSV files: the largest `$n` in it."""

    # Queries

    def query(
        self, node: Any, ctes: Mapping[str, CommonTable], parent: Scope | None = None
    ) -> tuple[Any, Kinds | None]:
        """A query, rewritten in place, and the kinds of its columns."""
        if isinstance(node, exp.Subquery):
            grammar.check(node)
            ctes = self._with(node, ctes, parent)
            inner, kinds = self.query(node.this, ctes, parent)
            node.set("this", inner)
            node.set("alias", None)
            self._modifiers(node, ctes, Scope(parent))
            return node, kinds
        if isinstance(node, exp.Values):
            relation = self._values(node, ctes, parent)
            return exp.Select(expressions=[exp.Star()], from_=exp.From(this=relation.node)), relation.kinds
        if isinstance(node, exp.Select):
            return self._select(node, ctes, parent)
        if isinstance(node, exp.Union | exp.Except | exp.Intersect):
            return self._set_operation(node, ctes, parent)
        if isinstance(node, exp.Table | exp.Paren):
            raise SqlError.syntax("a query is expected.")
        raise SqlError.unsupported(grammar.construct(node))

    def _set_operation(
        self, node: Any, ctes: Mapping[str, CommonTable], parent: Scope | None
    ) -> tuple[Any, Kinds | None]:
        """Chains of UNION lean to the left and may be long: they are walked without recursion."""
        chain = [node]
        grammar.check(node)
        seen = self._with(node, ctes, parent)
        while isinstance(chain[-1].this, exp.Union | exp.Except | exp.Intersect):
            chain.append(chain[-1].this)
            grammar.check(chain[-1])
            if len(chain) > building.MAX_SOURCES:
                raise SqlError.too_complex()
            if chain[-1].args.get("with_"):
                raise SqlError.unsupported("WITH inside of a set operation without parentheses")
        left, kinds = self.query(chain[-1].this, seen, parent)
        chain[-1].set("this", left)
        for operation in reversed(chain):
            right, others = self.query(operation.expression, seen, parent)
            operation.set("expression", right)
            self.call_by_position(kinds, others)
            if kinds is not None and others is not None and len(kinds) == len(others):
                pairs = zip(kinds.items(), others.values(), strict=True)
                kinds = {name: kind if kind == other else None for (name, kind), other in pairs}
            else:
                kinds = None
            self._modifiers(operation, seen, Scope(parent, {"": kinds}))
        return node, kinds

    def _select(self, node: Any, ctes: Mapping[str, CommonTable], parent: Scope | None) -> tuple[Any, Kinds | None]:
        grammar.check(node)
        names = [_column_name(projection) for projection in node.expressions]
        ctes = self._with(node, ctes, parent)
        scope = Scope(parent)
        if node.args.get("from_"):
            grammar.check(node.args["from_"])
            _unwrap_join(node)
            node.args["from_"].set("this", self._item(node.args["from_"].this, ctes, scope, parent))
        for join in node.args.get("joins") or []:
            self._join(join, ctes, scope, parent)
        projections = []
        for projection, name in zip(list(node.expressions), names, strict=True):
            value = self.expressions.rewrite(projection, scope, ctes)
            if (
                name is not None
                and not isinstance(value, exp.Alias)
                and not (isinstance(value, exp.Column) and value.name == name)
            ):
                value = exp.Alias(this=value, alias=exp.to_identifier(name, quoted=True))
            self.call_alias(value)
            projections.append(value)
        if not projections:
            raise SqlError.syntax("SELECT without columns.")
        node.set("expressions", projections)
        aliases = {value.alias: kind_of(value.this) for value in projections if isinstance(value, exp.Alias)}
        inner = replace(scope, parent=Scope(parent, {"": aliases}))
        for part in ("where", "group", "having", "qualify", "distinct"):
            if node.args.get(part):
                node.set(part, self.expressions.rewrite(node.args[part], inner, ctes))
        self._modifiers(node, ctes, inner)
        return node, _output(projections, scope)

    def _modifiers(self, node: Any, ctes: Mapping[str, CommonTable], scope: Scope) -> None:
        for part in ("order", "limit", "offset"):
            if node.args.get(part):
                node.set(part, self.expressions.rewrite(node.args[part], scope, ctes))

    def _with(self, node: Any, ctes: Mapping[str, CommonTable], parent: Scope | None) -> Mapping[str, CommonTable]:
        """The common tables that `node` sees. Each gets a fresh name: DuckDB would not tell `"a"` from `"A"`, nor
        ours from theirs.
        """
        clause = node.args.get("with_")
        if clause is None:
            return ctes
        grammar.check(clause)
        seen = dict(ctes)
        for cte in clause.expressions:
            grammar.check(cte)
            alias = cte.args["alias"]
            grammar.check(alias)
            name = _fold(alias.this)
            columns = [_fold(column) for column in alias.args.get("columns") or []]
            for column in columns:
                self.call_column(column)
            fresh = self.build.fresh("cte")
            inside = dict(seen)
            if clause.args.get("recursive"):
                inside[name] = CommonTable(fresh, dict.fromkeys(columns) or None)
            body, kinds = self.query(cte.this, inside, parent)
            if columns and kinds is not None:
                kinds = dict(zip(columns, kinds.values(), strict=False))
            elif columns:
                kinds = dict.fromkeys(columns)
            cte.set("this", body)
            cte.set("alias", _alias(fresh, columns))
            seen[name] = CommonTable(fresh, kinds)
        return seen

    # FROM

    def _join(self, join: Any, ctes: Mapping[str, CommonTable], scope: Scope, parent: Scope | None) -> None:
        grammar.check(join)
        if (join.args.get("method") or "").upper() not in {"", "NATURAL"} or (
            join.args.get("side") or ""
        ).upper() not in {"", "LEFT", "RIGHT", "FULL"}:
            raise SqlError.unsupported("this kind of join")
        if (join.args.get("kind") or "").upper() not in {"", "INNER", "OUTER", "CROSS"}:
            raise SqlError.unsupported("this kind of join")
        lateral = isinstance(join.this, exp.Lateral)
        join.set("this", self._joined(join.this, ctes, scope, parent))
        if lateral and not join.args.get("on"):
            if join.args.get("side"):
                join.set("on", exp.Boolean(this=True))
            else:
                join.set("kind", "CROSS")
        if join.args.get("on"):
            join.set("on", self.expressions.rewrite(join.args["on"], scope, ctes))
        using = join.args.get("using")
        if using:
            join.set(
                "using",
                [
                    exp.to_identifier(_fold(column.this if isinstance(column, exp.Column) else column), quoted=True)
                    for column in using
                ],
            )

    def _joined(self, node: Any, ctes: Mapping[str, CommonTable], scope: Scope, parent: Scope | None) -> Any:
        """The right side of a join: one item, or joins in parentheses, which are made first and whose items are seen
        by the query around them.
        """
        if not _is_parenthesised_join(node):
            return self._item(node, ctes, scope, parent)
        inner = node.this
        joins = [*(inner.args.get("joins") or []), *(node.args.get("joins") or [])]
        inner.set("joins", None)
        first = self._joined(inner, ctes, scope, parent)
        for join in joins:
            self._join(join, ctes, scope, parent)
        slots = "".join(f" {{{number}}}" for number in range(1, len(joins) + 1))
        return raw(f"({{0}}{slots})", first, *joins)

    def _item(self, node: Any, ctes: Mapping[str, CommonTable], scope: Scope, parent: Scope | None) -> Any:
        """One FROM item: replaced by a subquery under its alias, and entered into `scope`."""
        alias_node = node.args.get("alias")
        alias, columns = None, []
        if alias_node is not None:
            grammar.check(alias_node)
            alias = _fold(alias_node.this) if alias_node.this is not None else None
            columns = [_fold(column) for column in alias_node.args.get("columns") or []]
        sample = node.args.get("sample")
        default, relation = self._relation(node, ctes, scope, parent)
        alias = alias or default or self.build.fresh("from")
        kinds = relation.kinds
        for column in columns:
            self.call_column(column)
        if columns and kinds is not None:
            kinds = {**dict(zip(columns, kinds.values(), strict=False)), **dict(list(kinds.items())[len(columns) :])}
        if (
            isinstance(node, exp.Values | exp.Subquery | exp.Table)
            and scope.positional is None
            and kinds is not None
            and scope.staged is None
        ):
            scope.positional = (alias, tuple(kinds))
        if kinds is not None and len({name.casefold() for name in kinds}) < len(kinds):
            raise SqlError.unsupported("columns of a subquery whose names differ only in case")
        if alias in scope.sources:
            raise SqlError(2027, "42601", f"SQL compilation error:\nduplicate alias '{alias[:200]}'")
        # Columns that the statement names anew are columns of nothing that the catalog knows.
        self.announce(alias, None if columns else relation.name)
        scope.sources[alias] = kinds
        if scope.staged == "":
            scope.staged = alias
        if scope.generated == "":
            scope.generated = alias
        table = relation.node
        if sample is not None:
            table = raw(f"(SELECT * FROM {{0}} AS _sampled {self._sample(sample)})", table)
        target = raw("LATERAL {0}", table) if isinstance(node, exp.Lateral) else table
        listed = f"({', '.join(f'{{{n + 2}}}' for n in range(len(columns)))})" if columns else ""
        identifiers = [exp.to_identifier(name, quoted=True) for name in (alias, *columns)]
        return raw(f"{{0}} AS {{1}}{listed}", target, *identifiers)

    def _relation(
        self, node: Any, ctes: Mapping[str, CommonTable], scope: Scope, parent: Scope | None
    ) -> tuple[str | None, Relation]:
        """A FROM item without its alias: (the name it goes by without one, the relation)."""
        if isinstance(node, exp.Subquery):
            if node.args.get("joins") or not isinstance(node.this, exp.Query):
                raise SqlError.unsupported("joins in parentheses")
            bare = exp.Subquery(
                this=node.this, **{part: node.args.get(part) for part in ("with_", "order", "limit", "offset")}
            )
            unexpected = {part for part, value in node.args.items() if value} - {
                "this",
                "alias",
                "with_",
                "order",
                "limit",
                "offset",
                "sample",
            }
            if unexpected:
                raise SqlError.unsupported(", ".join(sorted(unexpected)).upper())
            query, kinds = self.query(bare, ctes, parent)
            return None, Relation(raw("{0}", query), kinds)
        if isinstance(node, exp.Values):
            relation = self._values(node, ctes, parent)
            self._call_all(relation)
            return None, relation
        if isinstance(node, exp.Lateral):
            return None, self._lateral(node, ctes, scope)
        if not isinstance(node, exp.Table):
            raise SqlError.unsupported(grammar.construct(node))
        unexpected = {part for part, value in node.args.items() if value} - {
            "this",
            "db",
            "catalog",
            "alias",
            "sample",
            "format",
            "pattern",
        }
        if unexpected:
            raise SqlError.unsupported(", ".join(sorted(unexpected)).upper())
        inner = node.this
        if isinstance(inner, exp.Identifier):
            if node.args.get("format") or node.args.get("pattern"):
                raise SqlError.unsupported("file options on a table")
            return self._named(
                tuple(_fold(part) for part in (node.args.get("catalog"), node.args.get("db"), inner) if part), ctes
            )
        if isinstance(inner, exp.DynamicIdentifier):
            return self._named(folded(self._text(inner.this)), ctes)
        if isinstance(inner, exp.Anonymous):
            default, relation = self._table_function(inner, ctes, scope)
            if relation.name is None and default is None:
                self._call_all(relation)
            return default, relation
        relation = self._staged(node, scope)
        self._call_all(relation)
        return None, relation

    def _named(self, parts: tuple[str, ...], ctes: Mapping[str, CommonTable]) -> tuple[str, Relation]:
        if len(parts) == 1 and parts[0] in ctes:
            common = ctes[parts[0]]
            return parts[0], Relation(exp.to_identifier(common.name, quoted=True), common.kinds)
        self.build.count_source()
        source = self.catalog.source(parts)
        if source is None:
            raise SqlError.not_found("Object", quote_plain(parts))
        if isinstance(source, ViewSource):
            return parts[-1], replace(self._view(source), name=parts)
        kinds = {name: kind_of_type(sql_type) for name, sql_type in source.columns}
        query = self.build.scan(source) if isinstance(source, TableSource) else building.rows(source)
        return parts[-1], Relation(raw("({0})", query), kinds, parts)

    def _view(self, source: ViewSource) -> Relation:
        if self.depth >= MAX_VIEW_DEPTH:
            raise SqlError.syntax("Views are nested too deeply, or refer to themselves.")
        resolver = Resolver(self.build, source.catalog, Binds(), depth=self.depth + 1)
        BIG_TEXTS.weigh(len(source.text), more=True)
        query, kinds = resolver.query(parse_ast(source.text), {})
        if source.columns is None:
            return Relation(raw("{0}", query), kinds)
        identifiers = [exp.to_identifier(name, quoted=True) for name in source.columns]
        listed = ", ".join(f"{{{n + 1}}}" for n in range(len(identifiers)))
        named = raw(
            f"(SELECT * FROM {{0}} AS _view({listed}))",
            query if isinstance(query, exp.Subquery) else exp.Subquery(this=query),
            *identifiers,
        )
        values = (
            list(kinds.values())
            if kinds is not None and len(kinds) == len(source.columns)
            else [None] * len(source.columns)
        )
        return Relation(named, dict(zip(source.columns, values, strict=True)))

    def _values(self, node: Any, ctes: Mapping[str, CommonTable], parent: Scope | None) -> Relation:
        if {part for part, value in node.args.items() if value} - {"expressions", "alias", "sample"}:
            raise SqlError.unsupported("VALUES with modifiers")
        rows = []
        scope = Scope(parent)
        known = True
        tuples: list[Any] = []
        for row in node.expressions:
            if isinstance(row, Folded):  # rows like the one before it, so as wide
                known = known and not row.args["nulls"]
                tuples.append(row)
                continue
            items = row.expressions if isinstance(row, exp.Tuple) else [row]
            rows.append([self.expressions.rewrite(item, scope, ctes) for item in items])
            tuples.append(raw("{0}", exp.Tuple(expressions=rows[-1])))
        width = len(rows[0])
        if any(len(row) != width for row in rows):
            raise SqlError.syntax("VALUES lists must all be the same length.")
        names = tuple(f"COLUMN{n + 1}" for n in range(width))
        listed = ", ".join(f'"{name}"' for name in names)
        kinds = {
            name: kind_of(rows[0][n]) if known and len({kind_of(row[n]) for row in rows}) == 1 else None
            for n, name in enumerate(names)
        }
        return Relation(raw(f"(SELECT * FROM (VALUES {{*}}) AS _values({listed}))", *tuples), kinds)

    def _lateral(self, node: Any, ctes: Mapping[str, CommonTable], scope: Scope) -> Relation:
        if {part for part, value in node.args.items() if value} - {"this", "alias"}:
            raise SqlError.unsupported("LATERAL VIEW")
        if isinstance(node.this, exp.Anonymous):
            default, relation = self._table_function(node.this, ctes, scope)
            if relation.name is None and default is None:
                self._call_all(relation)
            return relation
        query, kinds = self.query(node.this, ctes, scope)
        return Relation(query, kinds)

    def _table_function(self, call: Any, ctes: Mapping[str, CommonTable], scope: Scope) -> tuple[str | None, Relation]:
        name = str(call.this).upper()
        if name == "TABLE" and len(call.expressions) == 1:
            inner = call.expressions[0]
            if isinstance(inner, exp.Anonymous):
                return self._table_function(inner, ctes, scope)
            if isinstance(inner, exp.Literal | exp.RawString | exp.Placeholder):
                return self._named(folded(self._text(inner)), ctes)
            raise SqlError.unsupported("this use of TABLE(…)")
        if name == "IDENTIFIER" and len(call.expressions) == 1:
            return self._named(folded(self._text(call.expressions[0])), ctes)
        if name == "GENERATOR":
            scope.generated = scope.generated or ""
            return None, Relation(generator(call, self._number), {})
        if name == "FLATTEN":
            return None, Relation(*flatten(call, lambda node: self.expressions.rewrite(node, scope, ctes)))
        if name == "SPLIT_TO_TABLE":
            return None, Relation(*split_to_table(call, lambda node: self.expressions.rewrite(node, scope, ctes)))
        if name == "RESULT_SCAN" and len(call.expressions) == 1:
            return None, self._result(self._text(call.expressions[0]))
        if name == "INFER_SCHEMA":
            raise SqlError.unsupported(f"TABLE({name}(…)) inside of another query")
        raise SqlError.unknown_function(name)

    def _result(self, query_id: str) -> Relation:
        """`TABLE(RESULT_SCAN('id'))`: Snowpark sends it for what it does with a SHOW, LIST, DESCRIBE or CALL."""
        source = self.catalog.result(query_id) if isinstance(self.catalog, ResultCatalog) else None
        if source is None:
            raise SqlError.not_found("Result", query_id)
        kinds = {name: kind_of_type(sql_type) for name, sql_type in source.columns}
        return Relation(raw("({0})", building.rows(source)), kinds)

    def _staged(self, node: Any, scope: Scope) -> Relation:
        """`@stage/path (…)`, the same in quotes, or DIRECTORY(@stage)."""
        if not isinstance(self.catalog, StageCatalog):
            raise SqlError.not_found("Stage", str(node.this.name))
        if isinstance(node.this, exp.DirectoryStage):
            source = self.catalog.directory(stage_reference(str(node.this.this.name)).parts)
            if source is None:
                raise SqlError.not_found("Stage", str(node.this.this.name))
            return Relation(
                raw("({0})", building.rows(source)), {name: kind_of_type(sql_type) for name, sql_type in source.columns}
            )
        if not isinstance(node.this, exp.Var | exp.Literal | exp.RawString | exp.Placeholder):
            raise SqlError.unsupported("this in FROM")
        text = self._text(node.this)
        if not text.startswith("@"):
            raise SqlError.not_found("Object", text)
        reference = stage_reference(text)
        pattern, fmt = node.args.get("pattern"), node.args.get("format")
        reference = StageReference(
            reference.parts,
            reference.path,
            self._text(pattern) if pattern is not None else None,
            folded(self._text(fmt)) if fmt is not None else None,
        )
        staged = self.catalog.staged(reference)
        if staged is None:
            raise SqlError.not_found("Stage", quote_plain(reference.parts))
        scope.staged = ""
        if staged.columns is not None:
            scope.staged_columns = {name: column_of(number) for number, name in enumerate(staged.columns)}
        return Relation(staged_relation(self.build, staged, self.width), None)

    def announce(self, alias: str, name: tuple[str, ...] | None) -> None:
        """Tells the catalog's session what an alias stands for. Raises what it refuses it with."""
        if (listener := self._listener()) is not None:
            listener.on_alias(alias, name)

    def call_column(self, column: str | None) -> None:
        """Tells it that the statement calls something by this name; None: by any. Raises what it refuses it with."""
        if (listener := self._listener()) is not None:
            listener.on_column(column)

    def call_alias(self, value: Any) -> None:
        """The same of a rewritten `… AS name`, unless all that it is made of has that name already."""
        if self._listener() is None or not isinstance(value, exp.Alias):
            return
        name = str(value.alias)
        if any(column.name.casefold() != name.casefold() for column in value.this.find_all(exp.Column, exp.Star)):
            self.call_column(name)

    def _call_all(self, relation: Relation) -> None:
        """The same of all columns of what is nothing of the catalog's."""
        for column in (None,) if relation.kinds is None else relation.kinds:
            self.call_column(column)

    def call_by_position(self, left: Kinds | None, right: Kinds | None) -> None:
        """The same of what has names by its position: the left side's of a set operation, those of an INSERT."""
        if left is None or right is None or len(left) != len(right):
            self.call_column(None)
            return
        for name, other in zip(left, right, strict=True):
            if name.casefold() != other.casefold():
                self.call_column(name)

    def _listener(self) -> NameListener | None:
        return self.catalog.context().listener if self.depth == 0 else None

    # Small things

    def _sample(self, sample: Any) -> str:
        allowed = {"method", "percent", "size", "seed"}
        if {part for part, value in sample.args.items() if value} - allowed:
            raise SqlError.unsupported("this kind of SAMPLE")
        seed = f" REPEATABLE ({self._number(sample.args['seed'])})" if sample.args.get("seed") else ""
        if sample.args.get("size"):
            return f"USING SAMPLE reservoir({self._number(sample.args['size'])} ROWS){seed}"
        percent = sample.args.get("percent")
        if not isinstance(percent, exp.Literal) or percent.is_string or not 0 <= float(percent.this) <= 100:
            raise SqlError.syntax("SAMPLE needs a percentage between 0 and 100.")
        return f"USING SAMPLE bernoulli({float(percent.this)!r} PERCENT){seed}"

    def _number(self, node: Any) -> int:
        node = node.unnest()  # a number in parentheses is a constant too
        if isinstance(node, exp.Placeholder):
            value = self.binds.value(str(node.this))
            if isinstance(value, int) and not isinstance(value, bool):
                return value
        if isinstance(node, exp.Literal) and not node.is_string and node.this.isdigit():
            return int(node.this)
        raise SqlError.syntax("a constant whole number is expected.")

    def _text(self, node: Any) -> str:
        """A constant text: a string, a bound value, or a bare word."""
        if isinstance(node, exp.Placeholder):
            value = self.binds.value(str(node.this))
            if isinstance(value, str):
                return value
        elif isinstance(node, exp.Literal | exp.RawString | exp.Var) or (
            isinstance(node, exp.Parameter) and isinstance(node.this, exp.Var)
        ):
            if isinstance(node, exp.Parameter):
                return str(self.variable(node.this.name))
            return str(node.this)
        elif isinstance(node, exp.Column | exp.Identifier):
            return str(node.name)
        raise SqlError.syntax("a constant text is expected.")

    def identifier(self, node: Any) -> tuple[str, ...]:
        """The parts of the column that IDENTIFIER(…) names."""
        return folded(self._text(node), 2)

    def variable(self, name: str) -> Any:
        variables = self.catalog.context().variables
        if name.upper() not in variables:
            raise SqlError(
                2211, "02000", f"SQL compilation error: error\nSession variable '${name[:100].upper()}' does not exist"
            )
        return variables[name.upper()]

    def placeholder(self, node: Any) -> Any:
        return literal(self.binds.value(str(node.this)))


def _is_parenthesised_join(node: Any) -> bool:
    """`(a JOIN b …)`, or `(a)` around what is no query, without an alias."""
    return (
        isinstance(node, exp.Subquery)
        and isinstance(node.this, exp.Subquery | exp.Table)
        and not any(value for part, value in node.args.items() if part not in ("this", "joins"))
    )


def _unwrap_join(select: Any) -> None:
    """`FROM ((…) AS l JOIN (…) AS r ON …)` without its outer parentheses, which mean nothing around a first item.

    Snowpark writes every join so. Parentheses around a later item change what is joined first: those stay.
    """
    first = select.args["from_"].this
    while _is_parenthesised_join(first):
        inner = first.this
        inside, after = inner.args.get("joins") or [], first.args.get("joins") or []
        inner.set("joins", None)
        select.args["from_"].set("this", inner)
        select.set("joins", [*inside, *after, *(select.args.get("joins") or [])])
        first = inner


def quote_plain(parts: tuple[str, ...]) -> str:
    """A name as Snowflake's messages show it: bare parts, joined by dots."""
    plain = ".".join(parts)
    return (
        plain
        if all(part.isascii() and part.replace("_", "A").replace("$", "A").isalnum() for part in parts)
        else quote_name(parts)
    )


def _fold(identifier: Any) -> str:
    if isinstance(identifier, exp.Identifier):
        name = str(identifier.this)
        return name if identifier.args.get("quoted") else name.upper()
    raise SqlError.syntax("a name is expected.")


def _alias(name: str, columns: list[str]) -> Any:
    return exp.TableAlias(
        this=exp.to_identifier(name, quoted=True),
        columns=[exp.to_identifier(column, quoted=True) for column in columns],
    )


def _column_name(projection: Any) -> str | None:
    """How a result column without an alias is called: as it was written, in capitals."""
    if isinstance(projection, exp.Alias | exp.Star) or (
        isinstance(projection, exp.Column) and isinstance(projection.this, exp.Star)
    ):
        return None
    if isinstance(projection, exp.Column):
        return _fold(projection.this)
    if isinstance(projection, exp.Parameter) and isinstance(projection.this, exp.Literal):
        return f"${projection.this.this}"
    return snowflake_text(projection).upper()[:256]


def _output(projections: list[Any], scope: Scope) -> Kinds | None:
    """The columns of a SELECT; None where a star stands for columns that are not known."""
    columns: dict[str, str | None] = {}
    for projection in projections:
        if isinstance(projection, exp.Star) or isinstance(getattr(projection, "this", None), exp.Star):
            star = projection if isinstance(projection, exp.Star) else projection.this
            if any(star.args.get(part) for part in ("except_", "replace", "rename")):
                return None
            table = projection.args.get("table") if isinstance(projection, exp.Column) else None
            for alias, kinds in scope.sources.items():
                if table is not None and alias != table.name:
                    continue
                if kinds is None:
                    return None
                columns.update(kinds)
        else:
            columns[projection.alias_or_name] = kind_of(projection)
    return columns


__all__ = ["KIND", "CommonTable", "Relation", "Resolver", "RowsSource", "Scope"]
