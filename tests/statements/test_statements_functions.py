"""Functions and procedures in SQL.

Expected values are those of the pages developer-guide/udf/sql/udf-sql-scalar-functions, -/udf-sql-tabular-functions,
sql-reference/sql/create-function, -/desc-function, -/show-user-functions, -/call-with and
developer-guide/stored-procedure/stored-procedures-snowflake-scripting and -/stored-procedures-rights.
"""

from __future__ import annotations

from decimal import Decimal

import pytest
from statements_client import Client

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.statements.account_catalog import AccountCatalog

pytestmark = pytest.mark.sandbox


def refused(client: Client, text: str) -> str:
    with pytest.raises(SqlError) as error:
        client.result(text)
    return f"{error.value.code:06} {error.value.message}"


def test_scalar_functions_are_expressions_and_queries(alpha: Client) -> None:
    for text in (
        "CREATE FUNCTION area_of_circle(radius FLOAT) RETURNS FLOAT AS $$ pi() * radius * radius $$",
        "CREATE TABLE purchases (number_sold INTEGER, wholesale_price NUMBER(7,2), retail_price NUMBER(7,2))",
        "INSERT INTO purchases VALUES (3, 10.00, 20.00), (5, 100.00, 200.00)",
        "CREATE FUNCTION profit() RETURNS NUMERIC(11, 2) AS "
        "$$ SELECT SUM((retail_price - wholesale_price) * number_sold) FROM purchases $$",
        "CREATE FUNCTION sq(x NUMBER) RETURNS NUMBER AS 'x * x'",
        "CREATE FUNCTION sq(x VARCHAR) RETURNS VARCHAR AS 'x || x'",
        "CREATE FUNCTION more(a INT, b INT DEFAULT 5) RETURNS INT AS 'a + b'",
        # The arguments of the caller's columns do not become those of the function's own tables.
        "CREATE FUNCTION below(n INT) RETURNS INT AS 'SELECT max(number_sold) FROM purchases WHERE number_sold < n'",
    ):
        alpha.result(text)
    assert alpha.rows("SELECT area_of_circle(1.0), profit()") == [(pytest.approx(3.141592654), Decimal("530.00"))]
    assert alpha.rows("SELECT sq(3), sq('a'), alpha_db.public.sq(sq(2)), more(1), more(b => 3, a => 4)") == [
        (9, "aa", 16, 6, 7)
    ]
    assert alpha.rows("SELECT number_sold, below(number_sold) FROM purchases ORDER BY 1") == [(3, None), (5, 3)]
    # An argument is computed once, however often the text names it.
    assert alpha.rows("SELECT sq(n) = n2 FROM (SELECT sq(uniform(2, 9, random())) s, 1 n, 1 n2)") == [(True,)]
    roots = alpha.rows("SELECT sqrt(sq(uniform(2, 900, random()))) FROM TABLE(GENERATOR(ROWCOUNT => 50))")
    assert all(float(root).is_integer() for (root,) in roots)
    assert "Invalid argument types for function 'SQ'" in refused(alpha, "SELECT sq(1, 2)")
    assert refused(alpha, "CREATE FUNCTION bad(x INT) RETURNS INT AS 'x + nope'").startswith("000904")
    assert "system-defined" in refused(alpha, "CREATE FUNCTION avg(x INT) RETURNS INT AS 'x'")
    assert "optional arguments" in refused(alpha, "CREATE FUNCTION more(a VARCHAR) RETURNS INT AS '1'")
    alpha.result("CREATE FUNCTION self(x INT) RETURNS INT AS '1'")
    alpha.result("CREATE OR REPLACE FUNCTION self(x INT) RETURNS INT AS 'public.self(x)'")
    assert "refer to themselves" in refused(alpha, "SELECT self(1)")


def test_table_functions_are_joined_to_what_stands_before_them(alpha: Client) -> None:
    for text in (
        "CREATE FUNCTION t() RETURNS TABLE(msg VARCHAR) AS $$ SELECT 'Hello' UNION SELECT 'World' $$",
        "CREATE TABLE favorite_years AS SELECT column1 AS year FROM VALUES (2016), (2017), (2018), (2019)",
        "CREATE TABLE colors AS SELECT column1 AS year, column2 AS color, column3 AS favorite FROM VALUES "
        "(2017, 'red', TRUE), (2017, 'orange', TRUE), (2017, 'green', FALSE), (2018, 'blue', TRUE), "
        "(2018, 'violet', TRUE), (2018, 'brown', FALSE)",
        "CREATE FUNCTION favorite_colors(the_year INT) RETURNS TABLE(color STRING) AS "
        "'select color from colors where year=the_year and favorite=true'",
    ):
        alpha.result(text)
    assert alpha.rows("SELECT msg FROM TABLE(t()) ORDER BY msg") == [("Hello",), ("World",)]
    assert alpha.rows("select color from table(favorite_colors(2017)) order by color") == [("orange",), ("red",)]
    joined = "select * from favorite_years y join table(favorite_colors(y.year)) c order by year, color"
    assert alpha.rows(joined) == [(2017, "orange"), (2017, "red"), (2018, "blue"), (2018, "violet")]


@pytest.mark.attack
def test_a_function_reads_with_its_owners_rights_and_is_its_accounts_alone(
    alpha: Client, alpha_again: Client, beta: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for text in (
        "CREATE TABLE secret AS SELECT 7 AS a",
        "CREATE FUNCTION reads() RETURNS INT AS 'SELECT max(a) FROM secret'",
        "CREATE SECURE FUNCTION hidden(x INT) RETURNS INT AS 'x + 42'",
        "CREATE ROLE reader",
        "GRANT ROLE reader TO USER alpha_user",
        "GRANT USAGE ON DATABASE alpha_db TO ROLE reader",
        "GRANT USAGE ON SCHEMA alpha_db.public TO ROLE reader",
        "GRANT USAGE ON FUNCTION hidden(INT) TO ROLE reader",
        "CREATE VIEW seen AS SELECT reads() AS r",
        "GRANT SELECT ON VIEW seen TO ROLE reader",
    ):
        alpha.result(text)
    alpha_again.result("USE ROLE reader")
    assert "Unknown function READS" in refused(alpha_again, "SELECT reads()")
    assert alpha_again.rows("SELECT r FROM seen") == [(7,)]
    assert alpha_again.rows("SELECT hidden(1)") == [(43,)]
    assert dict(alpha_again.rows("DESCRIBE FUNCTION hidden(INT)"))["body"] is None
    assert [row["name"] for row in alpha_again.dicts("SHOW USER FUNCTIONS")] == ["HIDDEN"]
    assert "does not exist" in refused(alpha_again, "DROP FUNCTION reads()")
    assert "nsufficient privileges" in refused(alpha_again, "DROP FUNCTION hidden(INT)")
    alpha.result("GRANT USAGE ON FUNCTION reads() TO ROLE reader")
    assert alpha_again.rows("SELECT reads()") == [(7,)]
    assert refused(alpha_again, "SELECT * FROM secret").startswith("002003")
    for name in ("alpha_db.public.reads()", "public.reads()", "reads()"):
        assert "Unknown function" in refused(beta, f"SELECT {name}")
    alpha.result("CREATE OR REPLACE FUNCTION reads() RETURNS INT AS '1'")
    assert "Unknown function READS" in refused(alpha_again, "SELECT reads()"), (
        "a grant is for a thing, not for its name"
    )
    # Without the control its names are the caller's.
    alpha.result("CREATE OR REPLACE FUNCTION reads() RETURNS INT AS 'SELECT max(a) FROM secret'")
    alpha.result("GRANT USAGE ON FUNCTION reads() TO ROLE reader")
    monkeypatch.setattr(AccountCatalog, "of_definer", lambda self, *_: self)
    assert refused(alpha_again, "SELECT reads()").startswith("002003")


def test_functions_are_shown_described_renamed_and_temporary(alpha: Client, alpha_again: Client) -> None:
    alpha.result("CREATE FUNCTION multiply(a NUMBER, b NUMBER) RETURNS NUMBER COMMENT = 'times' AS 'a * b'")
    assert alpha.rows("DESC FUNCTION multiply(number, number)") == [
        ("signature", "(A NUMBER(38,0), B NUMBER(38,0))"),
        ("returns", "NUMBER(38,0)"),
        ("language", "SQL"),
        ("body", "a * b"),
    ]
    (row,) = alpha.dicts("SHOW USER FUNCTIONS LIKE 'MULT%' IN SCHEMA")
    assert row["arguments"] == "MULTIPLY(NUMBER, NUMBER) RETURN NUMBER"
    assert (row["min_num_arguments"], row["catalog_name"], row["is_table_function"]) == (2, "ALPHA_DB", "N")
    alpha.result("CREATE TEMPORARY FUNCTION multiply(a NUMBER, b NUMBER) RETURNS NUMBER AS 'a * b + 1'")
    assert alpha.rows("SELECT multiply(2, 3)") == [(7,)]
    assert alpha_again.rows("SELECT multiply(2, 3)") == [(6,)]
    alpha.result("DROP FUNCTION multiply(NUMBER, NUMBER)")
    alpha.result("ALTER FUNCTION multiply(NUMBER, NUMBER) RENAME TO times")
    assert alpha.rows("SELECT times(2, 3)") == [(6,)]
    assert alpha.rows("DROP FUNCTION IF EXISTS multiply(NUMBER, NUMBER)") == [
        ("Drop statement executed successfully (MULTIPLY already dropped).",)
    ]
    for text in ("LANGUAGE JAVA HANDLER = 'x'", "STRICT", "EXTERNAL_ACCESS_INTEGRATIONS = (a)"):
        assert refused(alpha, f"CREATE FUNCTION f() RETURNS INT {text} AS '1'").startswith("000002"), text


def test_procedures_run_as_their_owner_or_as_their_caller(alpha: Client, alpha_again: Client) -> None:
    for text in (
        "CREATE PROCEDURE return_greater(number_1 INTEGER, number_2 INTEGER) RETURNS INTEGER NOT NULL LANGUAGE SQL AS "
        "BEGIN IF (number_1 > number_2) THEN RETURN number_1; ELSE RETURN number_2; END IF; END;",
        "CREATE TABLE invoices AS SELECT column1 AS id, column2 AS price FROM VALUES (1, 10.01), (2, 22.20)",
        "CREATE PROCEDURE find_invoice(id INTEGER) RETURNS TABLE (id INTEGER, price NUMBER(12,2)) LANGUAGE SQL AS $$ "
        "DECLARE res RESULTSET DEFAULT (SELECT * FROM invoices WHERE id = :id); BEGIN RETURN TABLE(res); END; $$",
        "CREATE PROCEDURE as_caller() RETURNS INT LANGUAGE SQL EXECUTE AS CALLER AS "
        "'BEGIN RETURN (SELECT count(*) FROM invoices); END'",
        "CREATE PROCEDURE sets() RETURNS INT LANGUAGE SQL AS 'BEGIN USE SCHEMA public; RETURN 1; END'",
        "CREATE PROCEDURE reads() RETURNS VARCHAR LANGUAGE SQL AS 'BEGIN RETURN $mine; END'",
        "CREATE ROLE reader",
        "GRANT ROLE reader TO USER alpha_user",
        "GRANT USAGE ON DATABASE alpha_db TO ROLE reader",
        "GRANT USAGE ON SCHEMA alpha_db.public TO ROLE reader",
        "GRANT USAGE ON PROCEDURE find_invoice(INT) TO ROLE reader",
        "GRANT USAGE ON PROCEDURE as_caller() TO ROLE reader",
        "SET mine = 'x'",
    ):
        alpha.result(text)
    assert alpha.rows("CALL return_greater(2, 3)") == [(3,)]
    assert alpha.rows("CALL find_invoice(2)") == [(2, Decimal("22.20"))]
    assert alpha.rows("CALL as_caller()") == [(2,)]
    anonymous = (
        "WITH out AS PROCEDURE (message VARCHAR) RETURNS VARCHAR NOT NULL LANGUAGE SQL AS "
        "$$ BEGIN RETURN message; END; $$"
    )
    assert alpha.rows(f"{anonymous} CALL out('Hello World')") == [("Hello World",)]
    assert "owner's rights" in refused(alpha, "CALL sets()")
    assert "$MINE" in refused(alpha, "CALL reads()"), "the caller's variables are not there"
    alpha_again.result("USE ROLE reader")
    assert "has its owner's rights: USE ROLE" in refused(alpha_again, "CALL find_invoice(1)")
    assert refused(alpha_again, "CALL as_caller()").startswith("002003")
    assert "CALL" in refused(alpha_again, "CALL return_greater(2, 3)")
    assert dict(alpha.rows("DESCRIBE PROCEDURE as_caller()"))["execute as"] == "CALLER"
    assert {row["name"] for row in alpha.dicts("SHOW PROCEDURES")} >= {"FIND_INVOICE", "AS_CALLER"}
    alpha.result("DROP PROCEDURE as_caller()")
    assert "needs PACKAGES" in refused(
        alpha, "CREATE PROCEDURE p() RETURNS INT LANGUAGE PYTHON RUNTIME_VERSION = 3.12 HANDLER = 'f' AS 'x'"
    )


def test_functions_in_python_run_beside_the_statement(alpha: Client) -> None:
    """developer-guide/udf/python/udf-python-examples, -/udf-python-aggregate-functions, -/udf-python-batch."""
    python = "LANGUAGE PYTHON RUNTIME_VERSION = 3.12 HANDLER ="
    for text in (
        f"CREATE FUNCTION plus(a INT, b NUMBER(10,2)) RETURNS NUMBER(10,2) {python} 'f' AS $$\n"
        "def f(a, b):\n    return a + b\n$$",
        f"CREATE FUNCTION nulls(v VARIANT) RETURNS VARCHAR {python} 'f' AS $$\n"
        "def f(v):\n    return 'SQL' if hasattr(v, 'is_sql_null') else 'JSON' if v is None else 'value'\n$$",
        f"CREATE FUNCTION words(t VARCHAR) RETURNS TABLE (word VARCHAR, n INT) {python} 'W' AS $$\n"
        "class W:\n    def process(self, t):\n        for n, word in enumerate(t.split()):\n            "
        "yield (word, n)\n$$",
        f"CREATE AGGREGATE FUNCTION python_sum(a INT) RETURNS INT {python} 'S' AS $$\n"
        "class S:\n    def __init__(self):\n        self.s = 0\n    def accumulate(self, a):\n        self.s += a\n"
        "    def finish(self):\n        return self.s\n$$",
        f"CREATE FUNCTION fails(x INT) RETURNS INT {python} 'f' AS $$\ndef f(x):\n    return 1 / x\n$$",
        "CREATE TABLE sales AS SELECT column1 AS item, column2 AS price FROM VALUES ('car', 10000), "
        "('motorcycle', 5000), ('car', 7500), ('motorcycle', 3500), ('motorcycle', 1500), ('car', 20000)",
    ):
        alpha.result(text)
    assert alpha.rows("SELECT plus(1, 2.5), plus(NULL, 1) IS NULL FROM (SELECT 1) WHERE FALSE") == []
    assert alpha.rows("SELECT plus(1, 2.5), nulls(NULL), nulls(PARSE_JSON('null')), nulls(1::VARIANT)") == [
        (Decimal("3.50"), "SQL", "JSON", "value")
    ]
    assert alpha.rows("SELECT item, python_sum(price) FROM sales GROUP BY item ORDER BY item") == [
        ("car", 37500),
        ("motorcycle", 10000),
    ]
    assert alpha.rows(
        "SELECT s.price, w.word, w.n FROM sales s, TABLE(words(s.item || ' x')) w WHERE s.price = 7500"
    ) == [
        (7500, "car", 0),
        (7500, "x", 1),
    ]
    alpha.result("CREATE TABLE made AS SELECT plus(price, 0.5) AS p FROM sales")
    assert alpha.rows("SELECT sum(p) FROM made") == [(Decimal("47503.00"),)]
    assert refused(alpha, "SELECT fails(0)") == (
        '100357 Python Interpreter Error:\nTraceback (most recent call last):\n  File "_udf_code.py", line 3, in f\n'
        "ZeroDivisionError: division by zero\n in function FAILS"
    )
    assert "not installed" in refused(
        alpha, f"CREATE FUNCTION f() RETURNS INT PACKAGES = ('no-such') {python} 'f' AS 'x'"
    )
    assert alpha.rows("SELECT version IS NOT NULL FROM information_schema.packages WHERE package_name = 'pandas'") == [
        (True,)
    ]


@pytest.mark.slow
def test_a_table_function_gets_its_partitions(alpha: Client) -> None:
    """developer-guide/udf/python/udf-python-tabular-functions, "Handler class example"; what is of no row has the
    columns of the partition alone (developer-guide/udf/udf-calling-sql).
    """
    alpha.result(
        "CREATE FUNCTION stock_sale_sum(symbol VARCHAR, quantity NUMBER, price NUMBER(10,2)) "
        "RETURNS TABLE (symbol VARCHAR, total NUMBER(10,2)) LANGUAGE PYTHON RUNTIME_VERSION = 3.12 "
        "HANDLER = 'StockSaleSum' AS $$\n"
        "class StockSaleSum:\n"
        "    def __init__(self):\n        self._cost_total = 0\n        self._symbol = ''\n"
        "    def process(self, symbol, quantity, price):\n"
        "      self._symbol = symbol\n      cost = quantity * price\n      self._cost_total += cost\n"
        "      yield (symbol, cost)\n"
        "    def end_partition(self):\n      yield (self._symbol, self._cost_total)\n$$"
    )
    alpha.result(
        "CREATE TABLE stocks AS SELECT column1 AS symbol, column2 AS quantity, column3 AS price "
        "FROM VALUES ('A', 1, 10.00), ('A', 10, 11.00), ('B', 5, 2.00)"
    )
    call = "TABLE(stock_sale_sum(s.symbol, quantity, price) OVER (PARTITION BY s.symbol ORDER BY quantity))"
    rows = alpha.rows(
        f"SELECT s.symbol, s.quantity, stock_sale_sum.symbol, total FROM stocks s, {call} ORDER BY 1, 4, 2"
    )
    assert rows == [
        ("A", 1, "A", Decimal("10.00")),
        ("A", 10, "A", Decimal("110.00")),
        ("A", None, "A", Decimal("120.00")),
        ("B", 5, "B", Decimal("10.00")),
        ("B", None, "B", Decimal("10.00")),
    ]
    everything = call.replace("s.symbol ORDER", "1 ORDER")
    assert len(alpha.rows(f"SELECT * FROM stocks s, {everything}")[0]) == 5
    assert alpha.rows(f"SELECT max(total), count(*) FROM stocks s, {everything}") == [(Decimal("130.00"), 4)]
    assert alpha.rows(f"SELECT count(*) FROM (SELECT * FROM stocks WHERE FALSE) s, {everything}") == [(0,)]
    assert "outer join" in refused(alpha, f"SELECT * FROM stocks s LEFT JOIN {everything}")


@pytest.mark.slow
@pytest.mark.attack
def test_a_function_that_answers_for_itself_is_an_error(alpha: Client) -> None:
    """It has both sockets: the one to the statement, and the one that its process answers the front by."""
    alpha.result("CREATE TABLE safe AS SELECT 1 AS a")
    garbage = {"zeros": "b'\\0' * 64", "bits": "b'\\xff' * 64", "lies": "struct.pack('!BQ', 0, 1 << 40)"}
    for name, sent in garbage.items():
        alpha.result(
            f"CREATE FUNCTION {name}(x INT) RETURNS INT LANGUAGE PYTHON RUNTIME_VERSION = 3.12 HANDLER = 'f' AS $$\n"
            "import os, struct\ndef f(x):\n    for fd in range(3, 20):\n        try:\n"
            f"            os.write(fd, {sent})\n"
            "        except OSError:\n            pass\n    return x\n$$"
        )
        assert refused(alpha, f"SELECT {name}(a) FROM safe").startswith("100357"), name
    assert alpha.rows("SELECT a FROM safe") == [(1,)]


def test_routines_have_a_ddl_a_comment_and_temporary_ones_end_no_transaction(alpha: Client) -> None:
    """sql-reference/functions/get_ddl (its example of a function), sql-reference/sql/comment."""
    alpha.result(
        "CREATE FUNCTION multiply1(a NUMBER, b NUMBER) RETURNS NUMBER COMMENT = 'multiply two numbers' AS 'a * b'"
    )
    assert alpha.rows("SELECT GET_DDL('FUNCTION', 'multiply1(number, number)')") == [
        (
            'CREATE OR REPLACE FUNCTION "MULTIPLY1"("A" NUMBER(38,0), "B" NUMBER(38,0))\n'
            "RETURNS NUMBER(38,0)\nLANGUAGE SQL\nCOMMENT='multiply two numbers'\nAS 'a * b';",
        )
    ]
    alpha.result("CREATE SECURE FUNCTION hidden() RETURNS INT AS '1'")
    assert "SECURE FUNCTION" in alpha.rows("SELECT GET_DDL('FUNCTION', 'hidden()')")[0][0]
    alpha.result("CREATE PROCEDURE said() RETURNS INT AS 'BEGIN RETURN 1; END'")
    alpha.result("COMMENT ON PROCEDURE said() IS 'it''s so'")
    assert "COMMENT='it''s so'\nEXECUTE AS OWNER" in alpha.rows("SELECT GET_DDL('PROCEDURE', 'said()')")[0][0]
    assert "does not exist" in refused(alpha, "COMMENT ON FUNCTION said() IS 'x'")
    alpha.result("CREATE TABLE held (a INT)")
    alpha.result("BEGIN")
    alpha.result("INSERT INTO held VALUES (1)")
    alpha.result("CREATE TEMPORARY FUNCTION passing() RETURNS INT AS '1'")
    alpha.result("ROLLBACK")
    assert alpha.rows("SELECT count(*) FROM held") == [(0,)]


@pytest.mark.attack
def test_the_ddl_of_a_routine_is_for_whom_it_is_there(admin: Client, reader: Client) -> None:
    admin.result("CREATE SECURE FUNCTION hidden() RETURNS INT AS '4711'")
    assert "does not exist" in refused(reader, "SELECT GET_DDL('FUNCTION', 'alpha_db.public.hidden()')")
    admin.result("GRANT USAGE ON FUNCTION hidden() TO ROLE reader")
    assert "does not exist" in refused(reader, "SELECT GET_DDL('FUNCTION', 'alpha_db.public.hidden()')")
    admin.result("ALTER FUNCTION hidden() UNSET SECURE")
    assert "4711" in reader.rows("SELECT GET_DDL('FUNCTION', 'alpha_db.public.hidden()')")[0][0]


@pytest.mark.slow
@pytest.mark.sandbox
def test_a_parameter_is_handed_to_a_table_function(alpha: Client) -> None:
    """And stands beside its rows, where DuckDB took the rows for it (udf/sql/udf-sql-tabular-functions)."""
    for text in (
        "CREATE FUNCTION next_one(a INT) RETURNS TABLE (b INT) AS 'SELECT a + 1'",
        "CREATE FUNCTION tens(a INT) RETURNS TABLE (c INT) AS 'SELECT b * 10 FROM TABLE(next_one(a))'",
        "CREATE FUNCTION added(v VARIANT, n INT) RETURNS TABLE (x INT, s INT) AS "
        "'SELECT value::INT + n, array_size(v) FROM TABLE(FLATTEN(INPUT => v))'",
        "CREATE FUNCTION parts(t VARCHAR) RETURNS TABLE (p VARCHAR, n INT) AS "
        "$$ SELECT value || t, length(t) FROM TABLE(SPLIT_TO_TABLE(t, '-')) $$",
        "CREATE FUNCTION total(v VARIANT, n INT) RETURNS INT AS 'SELECT sum(value::INT + n) FROM TABLE(FLATTEN(v))'",
        "CREATE TABLE docs AS SELECT parse_json('[3,4]') AS d, 1 AS id",
    ):
        alpha.result(text)
    assert alpha.rows("SELECT c FROM TABLE(tens(4))") == [(50,)]
    assert alpha.rows("SELECT x, s FROM TABLE(added(parse_json('[1,2]'), 10)) ORDER BY x") == [(11, 2), (12, 2)]
    assert alpha.rows("SELECT x, s FROM docs, TABLE(added(d, id)) ORDER BY x") == [(4, 2), (5, 2)]
    assert alpha.rows("SELECT p, n FROM TABLE(parts('a-b')) ORDER BY p") == [("aa-b", 3), ("ba-b", 3)]
    assert alpha.rows("SELECT total(d, id) FROM docs") == [(9,)]


@pytest.mark.slow
@pytest.mark.sandbox
@pytest.mark.parametrize(
    "then",
    [
        "time.sleep(100)",
        "os.kill(os.getpid(), signal.SIGSTOP)",
        "os.fork() or time.sleep(100)\n    os._exit(0)",  # what is left has the statement's line, and nobody ends it
    ],
)
def test_a_function_that_stops_its_sandbox_ends_at_the_time_limit(alpha: Client, then: str) -> None:
    """The second process of the sandbox makes the next one and sweeps after the last one: it can be stopped."""
    python = "RETURNS INT LANGUAGE PYTHON RUNTIME_VERSION = '3.11' HANDLER = 'f' AS"
    stops = f"import os, signal, time\ndef f(a):\n    os.kill(2, signal.SIGSTOP)\n    {then}"
    alpha.result(f"CREATE FUNCTION stops(a INT) {python} $$\n{stops}\n$$")
    alpha.result(f"CREATE FUNCTION good(a INT) {python} $$\ndef f(a):\n    return a\n$$")
    assert alpha.rows("SELECT good(1)") == [(1,)]
    alpha.result("ALTER SESSION SET STATEMENT_TIMEOUT_IN_SECONDS = 3")
    with pytest.raises(SqlError, match="timeout of 3"):
        alpha.rows("SELECT stops(1)")
    alpha.result("ALTER SESSION SET STATEMENT_TIMEOUT_IN_SECONDS = 60")
    assert alpha.rows("SELECT good(1)") == [(1,)], "and others are served"
