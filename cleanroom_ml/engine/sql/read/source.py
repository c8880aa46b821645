"""One statement being read: its tokens, and the parts of it that sqlglot parses."""

from __future__ import annotations

from sqlglot import exp

from cleanroom_ml.engine.sql.binds import Binds
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.lex.cursor import Cursor
from cleanroom_ml.engine.sql.lex.tokens import Token
from cleanroom_ml.engine.sql.read.names import NameReader, folded
from cleanroom_ml.engine.sql.tree.dialect import parse_ast


class Source:
    """A statement's text (up to its end), its tokens, and readers over them."""

    def __init__(self, text: str, tokens: list[Token], binds: Binds) -> None:
        self.text = text
        self.tokens = tokens
        self.binds = binds
        self.cursor = Cursor(text, tokens)
        self.names = NameReader(self.cursor, binds)

    @property
    def whole(self) -> str:
        return self.text[self.tokens[0].start : self.tokens[-1].end]

    def ast(self) -> exp.Expr:
        """The whole statement as a tree."""
        tree: exp.Expr = parse_ast(self.whole)
        return tree

    def query_here(self) -> exp.Expr:
        """The query from the cursor on. Placeholders keep the numbers that they have in the whole statement."""
        tree: exp.Expr = parse_ast(self.query_text(), placeholders_before=self._placeholders())
        if not isinstance(tree, exp.Query | exp.Values):
            raise self.cursor.surprise("expected a query")
        return tree

    def query_text(self) -> str:
        text = self.cursor.rest()
        if not text:
            raise self.cursor.surprise("expected a query")
        return text

    def expression_here(self, until: int | None = None) -> exp.Expr:
        """The expression from the cursor on (to token number `until`)."""
        end = self.tokens[-1].end if until is None else self.tokens[until - 1].end
        token = self.cursor.peek()
        if token is None or end <= token.start:
            raise self.cursor.surprise("expected an expression")
        tree = parse_ast(f"SELECT {self.text[token.start : end]}", placeholders_before=self._placeholders())
        if (
            not isinstance(tree, exp.Select)
            or len(tree.expressions) != 1
            or {part for part, value in tree.args.items() if value} != {"expressions"}
        ):
            raise self.cursor.surprise("expected an expression")
        found: exp.Expr = tree.expressions[0]
        return found

    def name_list(self) -> tuple[str, ...]:
        """`(a, "b", c)`."""
        cursor = self.cursor
        cursor.expect("(")
        names = [cursor.part()]
        while cursor.accept(","):
            names.append(cursor.part())
        cursor.expect(")")
        return tuple(names)

    def constant(self, node: exp.Expr) -> str:
        """A string literal, or a placeholder or session variable that is text, in a tree."""
        if isinstance(node, exp.Placeholder):
            value = self.binds.value(str(node.this))
            if isinstance(value, str):
                return value
        elif isinstance(node, exp.Parameter) and isinstance(node.this, exp.Var):
            value = self.binds.variable(node.this.name)
            if isinstance(value, str):
                return value
        elif isinstance(node, exp.RawString) or (isinstance(node, exp.Literal) and node.is_string):
            return str(node.this)
        raise SqlError.syntax("a constant text is expected.")

    def table_name(self, node: exp.Expr) -> tuple[str, ...]:
        """The name of a table in a tree, IDENTIFIER(…) included."""
        if not isinstance(node, exp.Table):
            raise SqlError.unsupported("this target")
        inner = node.this
        if isinstance(inner, exp.DynamicIdentifier):
            return folded(self.constant(inner.this))
        if isinstance(inner, exp.Anonymous) and str(inner.this).upper() == "IDENTIFIER" and len(inner.expressions) == 1:
            return folded(self.constant(inner.expressions[0]))
        parts = [part for part in (node.args.get("catalog"), node.args.get("db"), inner) if part]
        if not all(isinstance(part, exp.Identifier) for part in parts):
            raise SqlError.syntax("a table's name is expected.")
        return tuple(str(part.this) if part.args.get("quoted") else str(part.this).upper() for part in parts)

    def _placeholders(self) -> int:
        return self.cursor.placeholders()
