"""The scalar functions that a query may call, by Snowflake's names, and what each is in DuckDB. What is not here does
not exist.

A value is (fewest arguments, most arguments or None, template) or (…, …, builder). A builder takes the rewritten
arguments and
returns a node. `{0}` is the first argument, `{*}` all of them. `TEXT(x)` stands for x as text, JSON strings without
their quotes.
"""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Any, Final

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.functions import arrays as functions_json
from cleanroom_ml.engine.sql.functions import dateparts
from cleanroom_ml.engine.sql.functions import dates as functions_dates
from cleanroom_ml.engine.sql.functions import regexp as functions_regexp
from cleanroom_ml.engine.sql.functions import text as functions_text
from cleanroom_ml.engine.sql.functions.entry import Builder, Entry, built, entry, optional, texts
from cleanroom_ml.engine.sql.tree.dialect import Raw, raw
from cleanroom_ml.engine.sql.tree.kinds import as_json, as_text, as_zoned_text, kind_of, literal_text
from cleanroom_ml.engine.sql.types.kind import DATE, JSON, NUM, TEXT, TIMESTAMP


def _decode(args: Sequence[Any]) -> Any:
    rest = list(args[1:])
    default = rest.pop() if len(rest) % 2 else exp.Null()
    whens = "".join(
        f" WHEN {{0}} IS NOT DISTINCT FROM {{{1 + 2 * n}}} THEN {{{2 + 2 * n}}}" for n in range(len(rest) // 2)
    )
    return raw(f"CASE{whens} ELSE {{{1 + len(rest)}}} END", args[0], *rest, default)


def _extreme(name: str) -> Builder:
    """GREATEST and LEAST give NULL where any argument is NULL; DuckDB's skip NULLs."""

    def build(args: Sequence[Any]) -> Any:
        nulls = " OR ".join(f"{{{n}}} IS NULL" for n in range(len(args)))
        return raw(f"CASE WHEN {nulls} THEN NULL ELSE {name}({{*}}) END", *args, kind=kind_of(args[0]))

    return build


def _concat_ws(args: Sequence[Any]) -> Any:
    joined = " || {0} || ".join(f"{{{n}}}" for n in range(1, len(args)))
    return raw(f"({joined})", *(as_text(arg) for arg in args), kind=TEXT)


def _sha2(args: Sequence[Any]) -> Any:
    if len(args) == 2 and not (isinstance(args[1], exp.Literal) and args[1].this in {"0", "256"}):
        raise SqlError.unsupported("SHA2 with another length than 256")
    return raw("sha256({0})", as_text(args[0]), kind=TEXT)


def _unit(node: Any) -> str:
    """A date part as written: a bare word (which parses as a column) or a string."""
    text = literal_text(node)
    if text is None and isinstance(node, exp.Column) and not node.args.get("table"):
        text = node.name
    if text is None:
        raise SqlError.syntax("a date/time component must be a constant.")
    return text


def _moment(node: Any) -> Any:
    return (
        raw("CAST({0} AS TIMESTAMP)", node, kind=TIMESTAMP)
        if kind_of(node) in {TEXT, None} and literal_text(node) is not None
        else node
    )


def _dateadd(args: Sequence[Any]) -> Any:
    part = dateparts.part(_unit(args[0]))
    moment = _moment(args[2])
    if kind_of(moment) == DATE and part in dateparts.DATE_PARTS:
        return raw(f"CAST({{0}} + CAST({{1}} AS BIGINT) * INTERVAL 1 {part} AS DATE)", moment, args[1], kind=DATE)
    return raw(f"({{0}} + CAST({{1}} AS BIGINT) * INTERVAL 1 {part})", moment, args[1], kind=kind_of(moment))


def _datediff(args: Sequence[Any]) -> Any:
    part = dateparts.part(_unit(args[0]))
    if part == "WEEK":  # DuckDB counts whole weeks, Snowflake the Mondays between
        moments = "date_trunc('week', CAST({0} AS TIMESTAMP)), date_trunc('week', CAST({1} AS TIMESTAMP))"
        return raw(f"(date_diff('day', {moments}) // 7)", args[1], args[2], kind=NUM)
    return raw(f"date_diff('{part}', CAST({{0}} AS TIMESTAMP), CAST({{1}} AS TIMESTAMP))", args[1], args[2], kind=NUM)


def _date_trunc(args: Sequence[Any]) -> Any:
    part = dateparts.part(_unit(args[0]))
    moment = _moment(args[1])
    if kind_of(moment) == DATE:
        return raw(f"CAST(date_trunc('{part}', {{0}}) AS DATE)", moment, kind=DATE)
    return raw(f"date_trunc('{part}', {{0}})", moment, kind=kind_of(moment))


def _date_part(args: Sequence[Any]) -> Any:
    return extract(_unit(args[0]), args[1])


def extract(unit: str, moment: Any) -> Raw:
    """EXTRACT(unit FROM moment)."""
    finer = dateparts.EPOCHS.get(unit.upper())
    if finer is not None:
        return raw(f"{finer}({{0}})", _moment(moment), kind=NUM)
    return raw(f"CAST(floor(date_part('{dateparts.extract_part(unit)}', {{0}})) AS BIGINT)", _moment(moment), kind=NUM)


def _part_of(name: str) -> Entry:
    return built(lambda args: extract(name, args[0]), 1)


def _to_date(cast: str) -> Builder:
    def build(args: Sequence[Any]) -> Any:
        if len(args) == 2:
            parse = "try_strptime" if cast == "TRY_CAST" else "strptime"
            return raw(f"CAST({parse}({{0}}, {{1}}) AS DATE)", as_text(args[0]), _format(args[1]), kind=DATE)
        if kind_of(args[0]) in {DATE, TIMESTAMP}:
            return raw("CAST({0} AS DATE)", args[0], kind=DATE)
        return raw(f"{cast}(CAST({{0}} AS VARCHAR) AS TIMESTAMP)::DATE", as_text(args[0]), kind=DATE)

    return build


def _to_timestamp(cast: str, target: str) -> Builder:
    def build(args: Sequence[Any]) -> Any:
        if len(args) == 2 and literal_text(args[1]) is not None:
            parse = "try_strptime" if cast == "TRY_CAST" else "strptime"
            return raw(f"CAST({parse}({{0}}, {{1}}) AS {target})", as_text(args[0]), _format(args[1]), kind=TIMESTAMP)
        if len(args) == 2:
            if not isinstance(args[1], exp.Literal) or args[1].this not in {"0", "3", "6", "9"}:
                raise SqlError.unsupported("TO_TIMESTAMP with another scale than 0, 3, 6 or 9")
            factor = {"0": "* 1000000", "3": "* 1000", "6": "", "9": "// 1000"}[args[1].this]
            return raw(f"CAST(make_timestamp(CAST({{0}} AS BIGINT) {factor}) AS {target})", args[0], kind=TIMESTAMP)
        if kind_of(args[0]) in {DATE, TIMESTAMP}:
            return raw(f"CAST({{0}} AS {target})", args[0], kind=TIMESTAMP)
        text = (
            f"CASE WHEN regexp_full_match({{0}}, '-?[0-9]{{1,11}}') THEN CAST(make_timestamp({cast}({{0}} AS BIGINT) * 1000000) AS {target})"  # noqa: E501
            f" ELSE {cast}({{0}} AS {target}) END"
        )
        given = as_zoned_text(args[0]) if target == "TIMESTAMPTZ" else as_text(args[0])
        return raw(text.replace("{1,11}", "+"), given, kind=TIMESTAMP)

    return build


def _format(node: Any) -> Any:
    text = literal_text(node)
    if text is None:
        raise SqlError.unsupported("a date format that is not a constant")
    return exp.Literal.string(dateparts.strftime(text))


def _to_varchar(args: Sequence[Any]) -> Any:
    if len(args) == 1:
        return as_text(args[0])
    if kind_of(args[0]) == NUM:
        raise SqlError.unsupported("TO_VARCHAR of a number with a format")
    return raw("strftime({0}, {1})", args[0], _format(args[1]), kind=TEXT)


def _to_number(cast: str) -> Builder:
    def build(args: Sequence[Any]) -> Any:
        numbers = [
            int(arg.this)
            for arg in args[1:]
            if isinstance(arg, exp.Literal) and not arg.is_string and arg.this.isdigit()
        ]
        if len(numbers) != len(args) - 1:
            raise SqlError.unsupported("TO_NUMBER with a format")
        precision, scale = (*numbers, 38, 0)[:2] if len(numbers) != 1 else (numbers[0], 0)
        if not 1 <= precision <= 38 or not 0 <= scale <= precision:
            raise SqlError.syntax("Invalid precision or scale.")
        if scale:
            return raw(f"{cast}({{0}} AS DECIMAL({precision},{scale}))", args[0], kind=NUM)
        return raw(
            f"{cast}({cast}({{0}} AS DECIMAL(38,6)) AS BIGINT)"
            if kind_of(args[0]) == TEXT
            else f"{cast}({{0}} AS BIGINT)",
            args[0],
            kind=NUM,
        )

    return build


def _object(keep_nulls: bool) -> Builder:
    def build(args: Sequence[Any]) -> Any:
        if len(args) % 2 or any(isinstance(arg, exp.Star) for arg in args):
            raise SqlError.unsupported("OBJECT_CONSTRUCT(*)")
        made = raw("json_object({*})", *args, kind=JSON)
        return made if keep_nulls or not args else raw("json_merge_patch(CAST('{}' AS JSON), {0})", made, kind=JSON)

    return build


def _get(args: Sequence[Any]) -> Any:
    return element(args[0], args[1])


def element(value: Any, key: Any) -> Raw:
    """`v[key]`: a JSON value's member or item; a constant key is exact, whatever characters it has."""
    text = literal_text(key)
    if text is not None:
        return raw("json_extract({0}, {1})", as_json(value), exp.Literal.string(pointer([text])), kind=JSON)
    return raw("({0} -> {1})", as_json(value), key, kind=JSON)


def pointer(steps: Sequence[str | int]) -> str:
    """A JSON pointer: unlike a path it can name every key."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def _get_path(args: Sequence[Any]) -> Any:
    text = literal_text(args[1])
    if text is None:
        raise SqlError.unsupported("GET_PATH with a path that is not a constant")
    steps: list[str | int] = []
    for piece in text.replace("[", ".[").split("."):
        name = piece.strip("[]'\"")
        if name:
            steps.append(name)
    return raw("json_extract({0}, {1})", as_json(args[0]), exp.Literal.string(pointer(steps)), kind=JSON)


def _random(args: Sequence[Any]) -> Any:
    """64 random bits. With a seed: the same ones for the same row number."""
    return hashed_bits(raw("row_number() OVER ()"), args[0]) if args else hashed_bits(raw("random()"))


def hashed_bits(*values: Any) -> Raw:
    """64 bits, as a signed number, that depend on these values only.

    Hashed twice: DuckDB's hash of several values is an exclusive or of theirs, so that two seeds would give numbers
    that are all but the same or the opposite of each other, row by row.
    """
    return raw("CAST(CAST(hash(hash({*})) AS HUGEINT) - 9223372036854775808 AS BIGINT)", *values, kind=NUM)


def _uniform(args: Sequence[Any]) -> Any:
    whole = all(
        isinstance(arg.this if isinstance(arg, exp.Neg) else arg, exp.Literal) and "." not in arg.sql()
        for arg in args[:2]
    )
    if whole:
        return raw("({0} + (({2} % ({1} - {0} + 1)) + ({1} - {0} + 1)) % ({1} - {0} + 1))", *args, kind=NUM)
    return raw("({0} + ({1} - {0}) * (CAST({2} & 9007199254740991 AS DOUBLE) / 9007199254740992))", *args, kind=NUM)


def _random_text(args: Sequence[Any]) -> Any:
    """RANDSTR(length, generator): letters and digits; the same ones for the same number."""
    return raw(
        f"list_aggregate(list_transform(range(CAST({{0}} AS BIGINT)), lambda _i: "
        f"substr('{_LETTERS_AND_DIGITS}', 1 + CAST(hash(hash({{1}}, _i)) % 62 AS BIGINT), 1)), 'string_agg', '')",
        *args,
        kind=TEXT,
    )


def _array_to_string(args: Sequence[Any]) -> Any:
    return raw("array_to_string(CAST({0} AS VARCHAR[]), {1})", as_json(args[0]), as_text(args[1]), kind=TEXT)


def _round_half_up(name: str) -> Builder:
    return lambda args: raw(
        f"{name}({{*}})" if len(args) == 1 else f"{name}({{0}}, CAST({{1}} AS INTEGER))", *args, kind=NUM
    )


def _like_function(template: str) -> Builder:
    return texts(template, kind="BOOLEAN")


def _same(name: str) -> Entry:
    return entry(f"{name}({{*}})", 1, 1, NUM)


_LETTERS_AND_DIGITS = string.digits + string.ascii_letters
_INTS = "CAST({0} AS BIGINT)"

SCALARS: Final[dict[str, Entry]] = {
    **functions_regexp.SCALARS,
    **functions_text.SCALARS,
    **functions_dates.SCALARS,
    **functions_json.SCALARS,
    "IFF": built(lambda args: raw("CASE WHEN {0} THEN {1} ELSE {2} END", *args, kind=kind_of(args[1])), 3),
    **dict.fromkeys(("NVL", "IFNULL"), built(lambda args: raw("coalesce({*})", *args, kind=kind_of(args[0])), 2)),
    "COALESCE": built(lambda args: raw("coalesce({*})", *args, kind=kind_of(args[0])), 1, None),
    "NVL2": entry("CASE WHEN {0} IS NOT NULL THEN {1} ELSE {2} END", 3),
    "NULLIF": built(lambda args: raw("nullif({*})", *args, kind=kind_of(args[0])), 2),
    "ZEROIFNULL": entry("coalesce({0}, 0)", 1, kind=NUM),
    "NULLIFZERO": entry("nullif({0}, 0)", 1, kind=NUM),
    "EQUAL_NULL": entry("({0} IS NOT DISTINCT FROM {1})", 2),
    "DECODE": built(_decode, 3, None),
    "GREATEST": built(_extreme("greatest"), 1, None),
    "LEAST": built(_extreme("least"), 1, None),
    "GREATEST_IGNORE_NULLS": entry("greatest({*})", 1, None),
    "LEAST_IGNORE_NULLS": entry("least({*})", 1, None),
    "DIV0": entry("CASE WHEN {1} = 0 THEN {0} * 0 ELSE {0} / {1} END", 2, kind=NUM),
    "DIV0NULL": entry("CASE WHEN coalesce({1}, 0) = 0 THEN {0} * 0 ELSE {0} / {1} END", 2, kind=NUM),
    "BOOLAND": entry("({0} AND {1})", 2),
    "BOOLOR": entry("({0} OR {1})", 2),
    "BOOLNOT": entry("(NOT {0})", 1),
    "BOOLXOR": entry("(CAST({0} AS BOOLEAN) <> CAST({1} AS BOOLEAN))", 2),
    # numbers
    **{
        name: _same(name.lower())
        for name in (
            "ABS",
            "SIGN",
            "SQRT",
            "EXP",
            "LN",
            "CBRT",
            "SIN",
            "COS",
            "TAN",
            "COT",
            "ASIN",
            "ACOS",
            "ATAN",
            "SINH",
            "COSH",
            "TANH",
            "DEGREES",
            "RADIANS",
            "FACTORIAL",
        )
    },
    "ATAN2": entry("atan2({*})", 2, kind=NUM),
    "PI": entry("pi()", 0, kind=NUM),
    "LOG": entry("(ln({1}) / ln({0}))", 2, kind=NUM),
    **dict.fromkeys(("POW", "POWER"), entry("pow({*})", 2, kind=NUM)),
    "SQUARE": entry("pow({0}, 2)", 1, kind=NUM),
    "MOD": entry("({0} % {1})", 2, kind=NUM),
    "ROUND": built(_round_half_up("round"), 1, 2),
    **dict.fromkeys(
        ("TRUNC", "TRUNCATE"),
        built(optional("trunc({0})", "(trunc({0} * pow(10, {1})) / pow(10, {1}))", kind=NUM), 1, 2),
    ),
    "CEIL": built(optional("ceil({0})", "(ceil({0} * pow(10, {1})) / pow(10, {1}))", kind=NUM), 1, 2),
    "FLOOR": built(optional("floor({0})", "(floor({0} * pow(10, {1})) / pow(10, {1}))", kind=NUM), 1, 2),
    "BITAND": entry("(CAST({0} AS BIGINT) & CAST({1} AS BIGINT))", 2, kind=NUM),
    "BITOR": entry("(CAST({0} AS BIGINT) | CAST({1} AS BIGINT))", 2, kind=NUM),
    "BITXOR": entry("xor(CAST({0} AS BIGINT), CAST({1} AS BIGINT))", 2, kind=NUM),
    "BITNOT": entry("(~CAST({0} AS BIGINT))", 1, kind=NUM),
    "BITSHIFTRIGHT": entry("(CAST({0} AS BIGINT) >> CAST({1} AS INTEGER))", 2, kind=NUM),
    "WIDTH_BUCKET": entry(
        "CASE WHEN {0} < {1} THEN 0 WHEN {0} >= {2} THEN {3} + 1 ELSE CAST(floor(({0} - {1}) * {3} / ({2} - {1})) AS BIGINT) + 1 END",  # noqa: E501
        4,
        kind=NUM,
    ),
    "HAVERSINE": entry(
        "(2 * 6371 * asin(sqrt(pow(sin(radians({2} - {0}) / 2), 2) + cos(radians({0})) * cos(radians({2})) * pow(sin(radians({3} - {1}) / 2), 2))))",  # noqa: E501
        4,
        kind=NUM,
    ),
    "RANDOM": built(_random, 0, 1),
    "UNIFORM": built(_uniform, 3),
    "NORMAL": entry(
        "({0} + {1} * sqrt(-2 * ln((CAST(hash({2}) >> 12 AS DOUBLE) + 1) / 4503599627370497)) * cos(2 * pi() * (CAST(hash(hash({2}, 1)) >> 12 AS DOUBLE) / 4503599627370496)))",  # noqa: E501
        3,
        kind=NUM,
    ),
    "RANDSTR": built(_random_text, 2),
    **dict.fromkeys(("SEQ1", "SEQ2", "SEQ4", "SEQ8"), entry("(row_number() OVER () - 1)", 0, 1, NUM)),
    "UUID_STRING": entry("CAST(uuid() AS VARCHAR)", 0, kind=TEXT),
    # text
    "UPPER": built(texts("upper({0})"), 1),
    "LOWER": built(texts("lower({0})"), 1),
    **dict.fromkeys(("LENGTH", "LEN"), built(texts("length({0})", NUM), 1)),
    "OCTET_LENGTH": built(texts("strlen({0})", NUM), 1),
    "TRIM": built(texts("trim({*})"), 1, 2),
    "LTRIM": built(texts("ltrim({*})"), 1, 2),
    "RTRIM": built(texts("rtrim({*})"), 1, 2),
    **dict.fromkeys(
        ("SUBSTR", "SUBSTRING"),
        built(
            lambda args: raw(
                "substr({*})", as_text(args[0]), *(raw(_INTS, arg, kind=NUM) for arg in args[1:]), kind=TEXT
            ),
            2,
            3,
        ),
    ),
    "LEFT": built(lambda args: raw("left({0}, CAST({1} AS BIGINT))", as_text(args[0]), args[1], kind=TEXT), 2),
    "RIGHT": built(lambda args: raw("right({0}, CAST({1} AS BIGINT))", as_text(args[0]), args[1], kind=TEXT), 2),
    "LPAD": built(
        lambda args: raw(
            "lpad({0}, CAST({1} AS INTEGER), {2})",
            as_text(args[0]),
            args[1],
            args[2] if len(args) > 2 else exp.Literal.string(" "),
            kind=TEXT,
        ),
        2,
        3,
    ),
    "RPAD": built(
        lambda args: raw(
            "rpad({0}, CAST({1} AS INTEGER), {2})",
            as_text(args[0]),
            args[1],
            args[2] if len(args) > 2 else exp.Literal.string(" "),
            kind=TEXT,
        ),
        2,
        3,
    ),
    "REPLACE": built(
        lambda args: raw("replace({*})", *(as_text(arg) for arg in (*args, exp.Literal.string(""))[:3]), kind=TEXT),
        2,
        3,
    ),
    "CONCAT": built(
        lambda args: raw(
            "(" + " || ".join(f"{{{n}}}" for n in range(len(args))) + ")", *(as_text(arg) for arg in args), kind=TEXT
        ),
        1,
        None,
    ),
    "CONCAT_WS": built(_concat_ws, 2, None),
    "CONTAINS": built(_like_function("contains({0}, {1})"), 2),
    "STARTSWITH": built(_like_function("starts_with({0}, {1})"), 2),
    "ENDSWITH": built(_like_function("ends_with({0}, {1})"), 2),
    "REVERSE": built(texts("reverse({0})"), 1),
    "REPEAT": built(lambda args: raw("repeat({0}, CAST({1} AS BIGINT))", as_text(args[0]), args[1], kind=TEXT), 2),
    "SPACE": entry("repeat(' ', CAST({0} AS BIGINT))", 1, kind=TEXT),
    "ASCII": built(texts("ascii({0})", NUM), 1),
    "UNICODE": built(texts("unicode({0})", NUM), 1),
    **dict.fromkeys(("CHR", "CHAR"), entry("chr(CAST({0} AS INTEGER))", 1, kind=TEXT)),
    "TRANSLATE": built(texts("translate({*})"), 3),
    "SPLIT": built(texts("to_json(string_split({0}, {1}))", JSON), 2),
    "SPLIT_PART": built(
        lambda args: raw(
            "split_part({0}, {1}, coalesce(nullif({2}, 0), 1))", as_text(args[0]), as_text(args[1]), args[2], kind=TEXT
        ),
        3,
    ),
    **dict.fromkeys(("MD5", "MD5_HEX"), built(texts("md5({0})"), 1)),
    **dict.fromkeys(("SHA1", "SHA1_HEX"), built(texts("sha1({0})"), 1)),
    **dict.fromkeys(("SHA2", "SHA2_HEX"), built(_sha2, 1, 2)),
    "HASH": built(lambda args: hashed_bits(*args), 1, None),
    "TO_BINARY": built(texts("unhex({0})", None), 1),
    "BASE64_ENCODE": built(texts("base64(encode({0}))"), 1),
    "BASE64_DECODE_STRING": built(texts("decode(from_base64({0}))"), 1),
    "EDITDISTANCE": built(texts("levenshtein({0}, {1})", NUM), 2),
    "JAROWINKLER_SIMILARITY": built(
        texts("CAST(floor(jaro_winkler_similarity(lower({0}), lower({1})) * 100) AS BIGINT)", NUM), 2
    ),
    "LIKE": built(_like_function("({0} LIKE {1})"), 2),
    "ILIKE": built(_like_function("({0} ILIKE {1})"), 2),
    # conversions
    **dict.fromkeys(("TO_VARCHAR", "TO_CHAR", "TO_TEXT"), built(_to_varchar, 1, 2)),
    **dict.fromkeys(("TO_NUMBER", "TO_DECIMAL", "TO_NUMERIC"), built(_to_number("CAST"), 1, 3)),
    **dict.fromkeys(("TRY_TO_NUMBER", "TRY_TO_DECIMAL", "TRY_TO_NUMERIC"), built(_to_number("TRY_CAST"), 1, 3)),
    "TO_DOUBLE": entry("CAST({0} AS DOUBLE)", 1, kind=NUM),
    "TRY_TO_DOUBLE": entry("TRY_CAST({0} AS DOUBLE)", 1, kind=NUM),
    "TO_BOOLEAN": entry("CAST({0} AS BOOLEAN)", 1),
    "TRY_TO_BOOLEAN": entry("TRY_CAST({0} AS BOOLEAN)", 1),
    **dict.fromkeys(("TO_DATE", "DATE"), built(_to_date("CAST"), 1, 2)),
    "TRY_TO_DATE": built(_to_date("TRY_CAST"), 1, 2),
    **dict.fromkeys(("TO_TIME", "TIME"), entry("CAST({0} AS TIME)", 1)),
    "TRY_TO_TIME": entry("TRY_CAST({0} AS TIME)", 1),
    **dict.fromkeys(("TO_TIMESTAMP", "TO_TIMESTAMP_NTZ"), built(_to_timestamp("CAST", "TIMESTAMP"), 1, 2)),
    **dict.fromkeys(("TO_TIMESTAMP_LTZ", "TO_TIMESTAMP_TZ"), built(_to_timestamp("CAST", "TIMESTAMPTZ"), 1, 2)),
    **dict.fromkeys(("TRY_TO_TIMESTAMP", "TRY_TO_TIMESTAMP_NTZ"), built(_to_timestamp("TRY_CAST", "TIMESTAMP"), 1, 2)),
    # dates
    **dict.fromkeys(("DATEADD", "TIMEADD", "TIMESTAMPADD"), built(_dateadd, 3)),
    **dict.fromkeys(("DATEDIFF", "TIMEDIFF", "TIMESTAMPDIFF"), built(_datediff, 3)),
    "DATE_TRUNC": built(_date_trunc, 2),
    "DATE_PART": built(_date_part, 2),
    **{
        name: _part_of(name)
        for name in (
            "YEAR",
            "QUARTER",
            "MONTH",
            "WEEK",
            "WEEKOFYEAR",
            "WEEKISO",
            "DAY",
            "DAYOFMONTH",
            "DAYOFWEEK",
            "DAYOFWEEKISO",
            "DAYOFYEAR",
            "YEAROFWEEK",
            "YEAROFWEEKISO",
            "HOUR",
            "MINUTE",
            "SECOND",
        )
    },
    "DAYNAME": entry("left(dayname({0}), 3)", 1, kind=TEXT),
    "MONTHNAME": entry("left(monthname({0}), 3)", 1, kind=TEXT),
    "ADD_MONTHS": built(lambda args: _dateadd([exp.Literal.string("MONTH"), args[1], args[0]]), 2),
    **dict.fromkeys(("DATE_FROM_PARTS", "DATEFROMPARTS"), entry("make_date({*})", 3, kind=DATE)),
    **dict.fromkeys(
        ("TIMESTAMP_FROM_PARTS", "TIMESTAMP_NTZ_FROM_PARTS"), entry("make_timestamp({*})", 6, kind=TIMESTAMP)
    ),
    "TIME_FROM_PARTS": entry("make_time({*})", 3),
    "CONVERT_TIMEZONE": built(
        optional(
            "(CAST({1} AS TIMESTAMPTZ) AT TIME ZONE {0})",
            "((CAST({2} AS TIMESTAMP) AT TIME ZONE {0}) AT TIME ZONE {1})",
            kind=TIMESTAMP,
        ),
        2,
        3,
    ),
    **dict.fromkeys(
        ("CURRENT_TIMESTAMP", "LOCALTIMESTAMP", "GETDATE", "SYSTIMESTAMP"),
        built(lambda _: raw("now()", kind=TIMESTAMP), 0, 1),
    ),
    "SYSDATE": entry("(now() AT TIME ZONE 'UTC')", 0, kind=TIMESTAMP),
    "CURRENT_DATE": entry("current_date", 0, kind=DATE),
    **dict.fromkeys(("CURRENT_TIME", "LOCALTIME"), entry("CAST(now() AT TIME ZONE 'UTC' AS TIME)", 0, 1)),
    # semi-structured
    "PARSE_JSON": built(texts("CAST({0} AS JSON)", JSON), 1),
    "TRY_PARSE_JSON": built(texts("TRY_CAST({0} AS JSON)", JSON), 1),
    "CHECK_JSON": built(texts("CASE WHEN json_valid({0}) OR {0} IS NULL THEN NULL ELSE 'not valid JSON' END"), 1),
    "TO_JSON": entry("CAST(to_json({0}) AS VARCHAR)", 1, kind=TEXT),
    **dict.fromkeys(("TO_VARIANT", "TO_OBJECT"), entry("to_json({0})", 1, kind=JSON)),
    "TO_ARRAY": built(
        lambda args: as_json(args[0]) if kind_of(args[0]) == JSON else raw("json_array({0})", args[0], kind=JSON), 1
    ),
    "OBJECT_CONSTRUCT": built(_object(False), 0, None),
    "OBJECT_CONSTRUCT_KEEP_NULL": built(_object(True), 0, None),
    "ARRAY_CONSTRUCT": entry("json_array({*})", 0, None, JSON),
    "ARRAY_SIZE": built(lambda args: raw("json_array_length({0})", as_json(args[0]), kind=NUM), 1),
    "ARRAY_CONTAINS": built(lambda args: raw("json_contains({1}, to_json({0}))", args[0], as_json(args[1])), 2),
    "ARRAY_CAT": built(
        lambda args: raw(
            "to_json(list_concat(CAST({0} AS JSON[]), CAST({1} AS JSON[])))", *(as_json(arg) for arg in args), kind=JSON
        ),
        2,
    ),
    "ARRAY_APPEND": built(
        lambda args: raw(
            "to_json(list_append(CAST({0} AS JSON[]), to_json({1})))", as_json(args[0]), args[1], kind=JSON
        ),
        2,
    ),
    "ARRAY_TO_STRING": built(_array_to_string, 2),
    "OBJECT_KEYS": built(lambda args: raw("to_json(json_keys({0}))", as_json(args[0]), kind=JSON), 1),
    "GET": built(_get, 2),
    "GET_PATH": built(_get_path, 2),
    "TYPEOF": built(
        lambda args: raw(
            "CASE json_type({0}) WHEN 'UBIGINT' THEN 'INTEGER' WHEN 'BIGINT' THEN 'INTEGER' WHEN 'NULL' THEN 'NULL_VALUE' ELSE json_type({0}) END",  # noqa: E501
            as_json(args[0]),
            kind=TEXT,
        ),
        1,
    ),
    "IS_NULL_VALUE": built(lambda args: raw("(json_type({0}) = 'NULL')", as_json(args[0])), 1),
    "AS_VARCHAR": built(lambda args: as_text(args[0]), 1),
    "AS_INTEGER": built(lambda args: raw("TRY_CAST({0} AS BIGINT)", as_text(args[0]), kind=NUM), 1),
    "AS_DOUBLE": built(lambda args: raw("TRY_CAST({0} AS DOUBLE)", as_text(args[0]), kind=NUM), 1),
}


def scalar(name: str, arguments: Sequence[Any]) -> Any:
    """The call of a scalar function, rewritten. Raises SqlError: not on the list, or a wrong number of arguments."""
    entry = SCALARS.get(name)
    if entry is None:
        raise SqlError.unknown_function(name)
    least, most, meaning, kind = entry
    if len(arguments) < least or (most is not None and len(arguments) > most):
        raise SqlError(
            938,
            "22023",
            f"SQL compilation error: error\nwrong number of arguments for function {name}: {len(arguments)}.",
        )
    if isinstance(meaning, str):
        return raw(meaning, *arguments, kind=kind)
    return meaning(arguments)
