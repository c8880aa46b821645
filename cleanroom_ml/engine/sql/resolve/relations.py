"""What a FROM item stands for, without its alias: a table or view of the catalog, a common table, a subquery, VALUES,
a table function, staged files.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from operator import and_
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.catalog import (
    Catalog,
    HistoryCatalog,
    PastMoment,
    StageCatalog,
    StageReference,
    TableSource,
    ViewSource,
)
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.files.staged import column_of, staged_relation
from cleanroom_ml.engine.sql.functions import absent, table
from cleanroom_ml.engine.sql.functions.entry import TableFunction
from cleanroom_ml.engine.sql.lex.lists import Folded, with_texts
from cleanroom_ml.engine.sql.read.names import PUBLIC, folded, stage_reference
from cleanroom_ml.engine.sql.resolve import given, guarded, matching, pruning, query_history
from cleanroom_ml.engine.sql.resolve.calls import called_parts
from cleanroom_ml.engine.sql.resolve.casts import assigned
from cleanroom_ml.engine.sql.resolve.constants import Constants
from cleanroom_ml.engine.sql.resolve.expressions import Expressions
from cleanroom_ml.engine.sql.resolve.identifiers import fold, quote_plain, quoted
from cleanroom_ml.engine.sql.resolve.listening import Listening
from cleanroom_ml.engine.sql.resolve.nullability import is_never_null, renamed
from cleanroom_ml.engine.sql.resolve.scope import CommonTables, Draws, Queries, Relation, Scope, by_name, pairs
from cleanroom_ml.engine.sql.resolve.table_arguments import Arguments
from cleanroom_ml.engine.sql.tree import build as building
from cleanroom_ml.engine.sql.tree import grammar
from cleanroom_ml.engine.sql.tree.build import Build
from cleanroom_ml.engine.sql.tree.dialect import Node, Raw, raw
from cleanroom_ml.engine.sql.tree.kinds import kind_of, kind_of_any, kinds_of_columns
from cleanroom_ml.engine.sql.types.kind import NUM, TEXT, WHOLE
from cleanroom_ml.engine.sql.types.sql_type import SqlType

_SUBQUERY: Final = frozenset({"this", "alias", "with_", "order", "limit", "offset", "sample"})
_TABLE: Final = frozenset({"this", "db", "catalog", "alias", "sample", "format", "pattern", "when"})
_SAMPLE: Final = frozenset({"method", "percent", "size", "seed"})
_MOST_SAMPLED: Final = 1_000_000
"""sql-reference/constructs/sample."""
_IN_FROM: Final = frozenset({"TABLE", "IDENTIFIER", "DIRECTORY"})
"""What is written like a call in FROM, without TABLE(…) around it (sql-reference/constructs/from)."""
Named = tuple[str | None, Relation]
"""The name that an item goes by without an alias, and the item."""


class Relations:
    """The relations of one statement. `width`: columns that it reads of staged CSV files."""

    def __init__(
        self,
        build: Build,
        catalog: Catalog,
        queries: Queries,
        constants: Constants,
        expressions: Expressions,
        listening: Listening,
        *,
        width: int,
    ) -> None:
        self._build = build
        self._catalog = catalog
        self._queries = queries
        self._constants = constants
        self._expressions = expressions
        self._listening = listening
        self._width = width

    def relation(self, node: Node, ctes: CommonTables, scope: Scope, parent: Scope | None) -> Named:
        """A FROM item without its alias. Raises SqlError."""
        if isinstance(node, exp.Subquery):
            return None, self._subquery(node, ctes, parent)
        if isinstance(node, Raw):
            relation = Relation(node, None)
            self._listening.call_all(relation)
            return None, relation
        if isinstance(node, exp.Values):
            relation = self.values(node, ctes, parent)
            self._listening.call_all(relation)
            return None, relation
        if isinstance(node, exp.Lateral):
            return None, self._lateral(node, ctes, scope)
        if isinstance(node, guarded.NODES):
            self._build.count_source()
            return None, guarded.relation(node, self._queries, ctes)
        if isinstance(node, matching.FoundRows):
            return None, matching.relation(node, ctes)
        if not isinstance(node, exp.Table):
            raise SqlError.unsupported(grammar.construct(node))
        _only(node, _TABLE)
        inner = node.this
        if isinstance(inner, exp.Dot) and not isinstance(inner.this, exp.Expr):
            raise SqlError.syntax("syntax error unexpected '.'.")
        moment = _moment(node.args.get("when"))
        if moment is not None and not isinstance(inner, exp.Identifier | exp.DynamicIdentifier):
            raise SqlError.unsupported("AT | BEFORE of what is no table")
        if isinstance(inner, exp.Identifier):
            if node.args.get("format") or node.args.get("pattern"):
                raise SqlError.unsupported("file options on a table")
            name = _parts(node, inner)
            return self._named(name, ctes, moment, lambda source: pruning.left(source, node, scope.wanted))
        if isinstance(inner, exp.DynamicIdentifier):
            return self._named(folded(self._constants.text(inner.this)), ctes, moment)
        if isinstance(inner, exp.Anonymous):
            if str(inner.this).upper() not in _IN_FROM:
                raise SqlError.syntax(
                    f"a table function stands in TABLE(…) or behind LATERAL: {str(inner.this)[:100]}."
                )
            return self._called(inner, ctes, scope)
        if isinstance(inner, exp.Parameter) and isinstance(inner.this, exp.Literal):
            call = exp.Anonymous(this="RESULT_SCAN", expressions=[exp.Literal.string(f"${inner.this.this}")])
            return self._called(call, ctes, scope)
        relation = self._staged(node, scope)
        self._listening.call_all(relation)
        return None, relation

    def values(
        self,
        node: exp.Values,
        ctes: CommonTables,
        parent: Scope | None,
        types: Sequence[SqlType] = (),
        names: Sequence[str] = (),
    ) -> Relation:
        """VALUES; of `types`, if there are as many as columns and all rows are looked at. Raises SqlError."""
        if {part for part, value in node.args.items() if value} - {"expressions", "alias", "sample"}:
            raise SqlError.unsupported("VALUES with modifiers")
        rows: list[list[Node]] = []
        scope = Scope(parent, draws=Draws(1, single=True))
        more = False
        required: list[bool] = []
        texts: frozenset[int] = frozenset()
        tuples: list[Node] = []
        folded = any(isinstance(row, Folded) for row in node.expressions)
        for row in node.expressions:
            if isinstance(row, Folded):  # rows like the one before it, so as wide
                required = [none and not row.args["nulls"] for none in required]
                more = True
                tuples.append(Folded(sql=with_texts(row.args["sql"], len(rows[-1]), texts)) if texts else row)
                continue
            items = row.expressions if isinstance(row, exp.Tuple) else [row]
            none = [is_never_null(item, scope) for item in items]
            required = [*map(and_, required, none)] if rows else none
            given.check_written(items if types else ())
            values = [self._expressions.rewrite(item, scope, ctes) for item in items]
            if types:
                given.check(items, values, types, names)
            if folded and len(types) == len(values):
                texts = frozenset(
                    place
                    for place, (value, target) in enumerate(zip(values, types, strict=True))
                    if target.kind == TEXT and kind_of(value) == NUM
                )
                values = [
                    assigned(value, target) if place in texts else value
                    for place, (value, target) in enumerate(zip(values, types, strict=True))
                ]
            rows.append(values)
            tuples.append(raw("{0}", exp.Tuple(expressions=rows[-1])))
        if not folded:
            rows = given.alike(rows, types)
            tuples = [raw("{0}", exp.Tuple(expressions=row)) for row in rows]
        width = len(rows[0])
        if any(len(row) != width for row in rows):
            raise SqlError.syntax("VALUES lists must all be the same length.")
        names = tuple(f"COLUMN{n + 1}" for n in range(width))
        listed = ", ".join(f'"{name}"' for name in names)
        seen = [kind_of_any(row[n] for row in rows) for n in range(width)]
        kinds = dict(zip(names, seen if not more else given.of_more(seen, node.expressions), strict=True))
        count = None if more else len(tuples)
        never = frozenset(name for name, none in zip(names, required, strict=True) if none)
        found = by_name(tuple(kinds.items()), never)
        return Relation(raw(f"(SELECT * FROM (VALUES {{*}}) AS _values({listed}))", *tuples), found, rows=count)

    def query(self, node: exp.Select | exp.Union, ctes: CommonTables, parent: Scope | None) -> Node:
        """A query whose columns are called what its rows say. Raises SqlError: in a clean room, where no value may
        become a name.
        """
        self.require_account("PIVOT for values that only a query knows: list them in IN (…)")
        return self._queries.query(node, ctes, parent)[0]

    def require_account(self, what: str) -> None:
        """Raises SqlError in a clean room, whose policies go by the names of columns."""
        if self._catalog.context().roles is None:
            raise SqlError.unsupported(what)

    def sample(self, sample: Node) -> str:
        """SAMPLE as DuckDB's. Raises SqlError."""
        if {part for part, value in sample.args.items() if value} - _SAMPLE:
            raise SqlError.unsupported("this kind of SAMPLE")
        seed = f" REPEATABLE ({self._constants.number(sample.args['seed'])})" if sample.args.get("seed") else ""
        if sample.args.get("size"):
            size = self._constants.number(sample.args["size"])
            if size > _MOST_SAMPLED:
                raise SqlError.syntax(f"SAMPLE of {size} ROWS: a sample has {_MOST_SAMPLED} rows at most.")
            return f"USING SAMPLE reservoir({size} ROWS){seed}"
        percent = sample.args.get("percent")
        if not isinstance(percent, exp.Literal) or percent.is_string or not 0 <= float(percent.this) <= 100:
            raise SqlError.syntax("SAMPLE needs a percentage between 0 and 100.")
        return f"USING SAMPLE bernoulli({float(percent.this)!r} PERCENT){seed}"

    def _subquery(self, node: exp.Subquery, ctes: CommonTables, parent: Scope | None) -> Relation:
        if node.args.get("joins") or not isinstance(node.this, exp.Query):
            raise SqlError.unsupported("joins in parentheses")
        bare = exp.Subquery(
            this=node.this, **{part: node.args.get(part) for part in ("with_", "order", "limit", "offset")}
        )
        _only(node, _SUBQUERY)
        query, kinds = self._queries.query(bare, ctes, parent)
        return Relation(raw("{0}", query), kinds)

    def _named(
        self,
        parts: tuple[str, ...],
        ctes: CommonTables,
        moment: PastMoment | None = None,
        left: Callable[[TableSource], TableSource] = lambda source: source,
    ) -> Named:
        """`left`: what of a table has to be read."""
        if len(parts) == 1 and parts[0] in ctes:
            if moment is not None:
                raise SqlError.unsupported("AT | BEFORE of a common table")
            common = ctes[parts[0]]
            return parts[0], Relation(quoted(common.name), common.kinds)
        self._build.count_source()
        source = self._catalog.source(parts) if moment is None else self._past(parts, moment)
        if source is None and parts == ("DUAL",):
            return "DUAL", Relation(raw('(SELECT CAST(NULL AS VARCHAR) AS "DUMMY")'), {"DUMMY": TEXT})
        if source is None:
            raise SqlError.not_found("Object", quote_plain(parts))
        if isinstance(source, ViewSource):
            guarded.refuse(source)
            return parts[-1], replace(self._view(source), name=parts)
        self._build.tables += isinstance(source, TableSource)
        query = self._build.scan(left(source)) if isinstance(source, TableSource) else building.rows(source)
        rows = source.rows if isinstance(source, TableSource) else len(source.rows)
        never = source.required if isinstance(source, TableSource) else frozenset[str]()
        kinds = by_name(tuple(kinds_of_columns(source.columns).items()), never)
        return parts[-1], Relation(raw("({0})", query), kinds, parts, rows)

    def _past(self, parts: tuple[str, ...], moment: PastMoment) -> TableSource | None:
        if not isinstance(self._catalog, HistoryCatalog):
            raise SqlError.unsupported("AT | BEFORE (Time Travel) in a clean room")
        return self._catalog.source_at(parts, moment)

    def _view(self, source: ViewSource) -> Relation:
        query, kinds = self._queries.view(source)
        if source.columns is None:
            return Relation(raw("{0}", query), kinds)
        identifiers = [quoted(name) for name in source.columns]
        listed = ", ".join(f"{{{n + 1}}}" for n in range(len(identifiers)))
        named = raw(
            f"(SELECT * FROM {{0}} AS _view({listed}))",
            query if isinstance(query, exp.Subquery) else exp.Subquery(this=query),
            *identifiers,
        )
        if kinds is None or len(pairs(kinds)) != len(source.columns):
            kinds = dict.fromkeys(source.columns)
        return Relation(named, renamed(kinds, list(source.columns)))

    def _lateral(self, node: exp.Lateral, ctes: CommonTables, scope: Scope) -> Relation:
        if {part for part, value in node.args.items() if value} - {"this", "alias"}:
            raise SqlError.unsupported("LATERAL VIEW")
        if isinstance(node.this, exp.Anonymous):
            return self._called(node.this, ctes, scope)[1]
        query, kinds = self._queries.query(node.this, ctes, scope)
        return Relation(query, kinds)

    def _called(self, call: exp.Anonymous, ctes: CommonTables, scope: Scope) -> Named:
        default, relation = self._table_function(call, ctes, scope)
        if relation.name is None and default is None:
            self._listening.call_all(relation)
        return default, relation

    def _table_function(self, call: exp.Anonymous, ctes: CommonTables, scope: Scope) -> Named:
        name = str(call.this).upper()
        arguments = Arguments(self._build, self._catalog, self._constants, self._expressions, scope, ctes)
        if name == "TABLE" and len(call.expressions) == 1:
            inner = call.expressions[0]
            told = query_history.told(inner, self._catalog, arguments)
            if told is not None:
                return told
            own = self._own(inner, ctes, scope)
            if own is not None:
                return own
            if isinstance(inner, exp.Window) and isinstance(inner.this, exp.Anonymous):
                inner = inner.this  # OVER (…) says which rows a function sees together: ours see one each
            if isinstance(inner, exp.Anonymous):
                return self._table_function(inner, ctes, scope)
            if isinstance(inner, exp.Literal | exp.RawString | exp.Placeholder | exp.Parameter):
                return self._named(folded(self._constants.text(inner)), ctes)
            if isinstance(inner, exp.Dot) and isinstance(inner.expression, exp.Anonymous):
                raise SqlError.unsupported(f"TABLE({str(inner.expression.this).upper()}(…)) of a schema")
            raise SqlError.unsupported("this use of TABLE(…)")
        if name == "IDENTIFIER" and len(call.expressions) == 1:
            return self._named(folded(self._constants.text(call.expressions[0])), ctes)
        if name == "DIRECTORY" and len(call.expressions) == 1:
            return None, self._directory(call.expressions[0])
        if name == "GETNEXTVAL" and len(call.expressions) == 1 and isinstance(call.expressions[0], exp.Column):
            scope.drawing[""] = tuple(fold(part) for part in call.expressions[0].parts)
            return None, Relation(raw('(SELECT 1 AS "NEXTVAL")'), {"NEXTVAL": WHOLE}, rows=1)
        function = table.find(name, TableFunction)
        function.check_count(name, len(call.expressions))
        if function.numbered:
            scope.generated = scope.generated or ""
        made, kinds = function.build(call, arguments)
        return None, Relation(made, kinds)

    def _own(self, call: Node, ctes: CommonTables, scope: Scope) -> Named | None:
        """A table function that somebody wrote, by its own name where it has no alias; None: there is none."""
        written = called_parts(call.this if isinstance(call, exp.Window) else call)
        if written is None or (len(written[0]) == 1 and written[0][0] in table.FUNCTIONS):
            return None
        name, given = written
        chosen = self._expressions.user_functions.chosen(name, given, scope, ctes, rows=True)
        if chosen is None:
            if len(name) > 1:
                raise absent.unknown(name)
            return None
        if isinstance(call, exp.Window):
            raise SqlError.unsupported("OVER of a table function here")
        made, kinds = self._expressions.user_functions.rows(chosen, scope)
        relation = Relation(made, kinds)
        self._listening.call_all(relation)
        return name[-1], relation

    def _staged(self, node: exp.Table, scope: Scope) -> Relation:
        """`@stage/path (…)`, the same in quotes, or DIRECTORY(@stage)."""
        if not isinstance(self._catalog, StageCatalog):
            raise SqlError.not_found("Stage", str(node.this.name))
        if isinstance(node.this, exp.DirectoryStage):
            return self._directory(node.this.this)
        if not isinstance(node.this, exp.Var | exp.Literal | exp.RawString | exp.Placeholder):
            raise SqlError.unsupported("this in FROM")
        text = self._constants.text(node.this)
        if not text.startswith("@"):
            raise SqlError.not_found("Object", text)
        reference = stage_reference(text)
        pattern, layout = node.args.get("pattern"), node.args.get("format")
        reference = StageReference(
            reference.parts,
            reference.path,
            self._constants.text(pattern) if pattern is not None else None,
            folded(self._constants.text(layout)) if layout is not None else None,
        )
        staged = self._catalog.staged(reference)
        if staged is None:
            raise SqlError.not_found("Stage", quote_plain(reference.parts))
        scope.staged = ""
        scope.documents = staged.options.type.upper() != "CSV"
        if staged.columns is not None:
            scope.staged_columns = {name: column_of(number) for number, name in enumerate(staged.columns)}
        return Relation(staged_relation(self._build, staged, self._width), None)

    def _directory(self, node: Node) -> Relation:
        """DIRECTORY(@stage): the stage's directory table."""
        name = str(node.name).removeprefix("@")
        parts = stage_reference(f"@{name}").parts
        source = self._catalog.directory(parts) if isinstance(self._catalog, StageCatalog) else None
        if source is None:
            raise SqlError.not_found("Stage", name)
        return Relation(raw("({0})", building.rows(source)), kinds_of_columns(source.columns))


def _parts(node: exp.Table, name: exp.Identifier) -> tuple[str, ...]:
    """The parts of a name, `database..name` too. Raises SqlError: there is nothing before its dots."""
    database, schema = node.args.get("catalog"), node.args.get("db")
    if schema is not None and not schema:
        if not database:
            raise SqlError.syntax("syntax error unexpected '.'.")
        return fold(database), PUBLIC, fold(name)
    return tuple(fold(part) for part in (database, schema, name) if part)


def _moment(when: Node | None) -> PastMoment | None:
    """AT | BEFORE whose expression was evaluated (statements/time_travel.py). Raises SqlError: it was not."""
    if when is None:
        return None
    value = when.args.get("expression")
    if not isinstance(value, exp.Literal) or when.args.get("kind") != "FIXED":
        raise SqlError.unsupported("AT | BEFORE here")
    before = str(when.this).upper() == "BEFORE"
    return PastMoment(None, value.this, before) if value.is_string else PastMoment(int(value.this), None, before)


def _only(node: Node, allowed: frozenset[str]) -> None:
    unexpected = {part for part, value in node.args.items() if value} - allowed
    if unexpected:
        raise SqlError.unsupported(", ".join(sorted(unexpected)).upper())
