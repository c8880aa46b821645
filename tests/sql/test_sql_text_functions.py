"""Text, regular expressions, hashes and bytes: the examples of Snowflake's reference pages.

The pages are sql-reference/functions/<name> of Snowflake's documentation, named before each group.
"""

from __future__ import annotations

import duckdb
import pytest
from sql_world import World

from cleanroom_ml.engine.sql.errors import SqlError

NEVERMORE = "'nevermore1, nevermore2, nevermore3.'"
TIMES = "'It was the best of times, it was the worst of times.'"
URL = "'http://USER:PASS@EXAMPLE.INT:4345/HELLO.PHP?USER=1'"

PAGES: list[tuple[str, object]] = [
    # substr
    ("substr('testing 1 2 3', 9, 3)", "1 2"),
    ("substr('mystring', -1, 3) || '|' || substr('mystring', -7, 3)", "g|yst"),
    ("substr('mystring', 0, 3) || '|' || substr('mystring', 0, 7)", "mys|mystrin"),
    ("substr('mystring', 7, 3) || substr('mystring', 2, -1) || substr('mystring', -9)", "ng"),
    ("substr('mystring', NULL, 3)", None),
    ("substr('mystring', 3, NULL)", None),
    ("substr('mystring', -20, NULL)", None),
    # left, right, lpad
    ("left('abc', -1) || right('abc', -2) || left('abc', 2) || right('abc', 2)", "abbc"),
    ("left(NULL, -1)", None),
    ("lpad('hello', 10, '~') || rpad('abc', 5, '') || lpad('abc', 2, '') || rpad('x', 0, 'y')", "~~~~~helloabcab"),
    # split, split_part
    ("split('abc', '')", '["abc"]'),
    ("split('127.0.0.1', '.')", '["127","0","0","1"]'),
    ("split_part('11.22.33', '.', 0) || split_part('11.22.33', '.', -1) || split_part('11', '.', 3)", "1133"),
    ("split_part('aaa--bbb', '', 1) || split_part('aaa--bbb', '', -1) || split_part('a', '', 2)", "aaa--bbb" * 2),
    # charindex
    ("charindex('an', 'banana', 1) || charindex('an', 'banana', 3) || charindex('an', 'banana', 0)", "242"),
    # editdistance, jarowinkler_similarity, soundex
    ("editdistance('święta', 'swieta') || editdistance('Gute nacht', 'Ich weis nicht')", "28"),
    ("editdistance('future', 'past', 2)", 2),
    ("jarowinkler_similarity('Gute nacht', 'Ich weis nicht')", 56),
    ("jarowinkler_similarity('święta', 'swieta') || jarowinkler_similarity('Snowflake', 'Oracle')", "7761"),
    ("jarowinkler_similarity('', '')", 0),
    ("soundex('Robert') || soundex('Rupert') || soundex('Tymczak') || soundex('')", "R163R163T522"),
    # parse_url, parse_ip
    (f"parse_url({URL}):host::string || parse_url({URL}):port::string", "USER:PASS@EXAMPLE.INT4345"),
    (f"parse_url({URL}):parameters:USER::string || parse_url({URL}):path::string", "1HELLO.PHP"),
    ("parse_url('mailto:abc@xyz.com'):path::string", "abc@xyz.com"),
    ("parse_url('example.int/hello.php?user=12#nofragment', 1):error::string", "scheme not specified"),
    ("parse_url(NULL)", None),
    ("parse_ip('192.168.242.188/24', 'INET'):ipv4_range_end::int", 3232297727),
    ("parse_ip('fe80::20c:29ff:fe2c:429/64', 'INET'):hex_ipv6_range_end::string", "FE80000000000000FFFFFFFFFFFFFFFF"),
    # uuid_string
    ("uuid_string('fe971b24-9572-4005-b22f-351e9c09274d', 'foo')", "dc0b6f65-fca6-5b4b-9d37-ccc3fde1f3e2"),
    # regexp_instr
    (f"regexp_instr({NEVERMORE}, 'nevermore\\\\d', 5)", 13),
    (f"regexp_instr({NEVERMORE}, 'nevermore\\\\d', 1, 3, 0)", 25),
    (f"regexp_instr({NEVERMORE}, 'nevermore\\\\d', 1, 3, 1)", 35),
    (f"regexp_instr({NEVERMORE}, 'nevermore', 1, 4)", 0),
    (f"regexp_instr({TIMES}, 'the\\\\W+(\\\\w+)', 1, 2, 0, 'e', 1)", 38),
    (f"regexp_instr({TIMES}, 'the\\\\W+(\\\\w+)', 1, 2, 0, '', 1)", 38),
    ("regexp_instr(NULL, 'a')", None),
    # regexp_substr, regexp_substr_all, regexp_replace
    (f"regexp_substr({TIMES}, 'the\\\\W+(\\\\w+)', 1, 2, 'e')", "worst"),
    ("regexp_substr('abc', 'b', 1, 1, 'e')", "b"),
    ("regexp_substr_all('a1_a2a3_a4A5a6', 'a[[:digit:]]')", '["a1","a2","a3","a4","a6"]'),
    ("regexp_substr_all('a1_a2a3_a4A5a6', 'a[[:digit:]]', 2, 2)", '["a3","a4","a6"]'),
    ("regexp_substr_all('a1_a2a3_a4A5a6', '(a)([[:digit:]])', 1, 1, 'ie', 2)", '["1","2","3","4","5","6"]'),
    ("regexp_substr_all('abc', 'x')", "[]"),
    ("regexp_replace('It was the best, it was the worst', 'the', 'a', 1, 2)", "It was the best, it was a worst"),
    ("regexp_replace('firstname middlename lastname', '(.*) (.*) (.*)', '\\\\3, \\\\1 \\\\2')",
     "lastname, firstname middlename"),
    ("regexp_replace('a b', '\\\\w', 'x', 1, 9)", "a b"),
    # md5, md5_number_lower64, sha1, sha2
    ("md5('Snowflake')", "edf1439075a83a447fb8b630ddc9c8de"),
    ("md5_number_lower64('Snowflake')", 9203306159527282910),
    ("md5_number_upper64('Snowflake')", 17145559544104499780),
    ("hex_encode(md5_binary('Snowflake'))", "EDF1439075A83A447FB8B630DDC9C8DE"),
    ("sha1('Snowflake')", "fda76b0bcc1e87cf259b1d1e3271d76f590fb5dd"),
    ("sha2('Snowflake', 224)", "6267d3d7a59929e6864dd4b737d98e3ef8569d9f88a7466647838532"),
    ("sha2('Snowflake', 0) = sha2('Snowflake') and sha2('Snowflake') = sha2('Snowflake', 256)", True),
    ("hex_encode(sha2_binary('Snowflake', 384))",
     "736BD8A53845348830B1EE63A8CD3972F031F13B111F66FFDEC2271A7AE709662E503A0CA305BD50DA8D1CED48CD45D9"),
    # hash
    ("hash(10) = hash(10::number(38,0)) and hash(10) = hash(10::number(5,3)) and hash(10) = hash(10::float)", True),
    ("hash('a') = hash('a') and hash('a', 'b') <> hash('b', 'a') and hash('10') <> hash(10)", True),
    ("hash(null) is not null and hash(null, null) is not null and hash(1e2::float) = hash(100)", True),
    ("hash(0) = hash(-0.0::float) and hash(0.10) = hash(0.1::float)", True),
    # to_binary, hex_encode, base64_encode
    ("to_binary('616263') = to_binary('abc', 'UTF-8') and to_binary('YWJj', 'base64') = to_binary('616263')", True),
    ("to_varchar(to_binary('616263'))", "616263"),
    ("parse_json('\"ab\"')::binary = to_binary('AB') and to_binary('AB')::variant::binary = to_binary('AB')", True),
    ("to_char(to_binary('616263'), 'utf-8') || to_char(to_binary('616263'), 'BASE64')", "abcYWJj"),
    ("try_to_binary('xx')", None),
    ("hex_encode('SNOW') || hex_encode('SNOW', 0) || hex_encode(to_binary('FF'))", "534E4F57534e4f57FF"),
    ("hex_decode_string('536E6F77666C616B65') || base64_decode_string('U25vd2ZsYWtl')", "Snowflake" * 2),
    ("try_hex_decode_string('FF')", None),
    ("try_base64_decode_string('x!')", None),
    ("base64_encode('Snowflake ❄❄❄ Snowman ☃☃☃', 32, '$')", "U25vd2ZsYWtlIOKdhOKdhOKdhCBTbm93\nbWFuIOKYg$KYg$KYgw=="),
    ("base64_decode_string('U25vd2ZsYWtlIOKdhOKdhOKdhCBTbm93bWFuIOKYg$KYg$KYgw==', '$')",
     "Snowflake ❄❄❄ Snowman ☃☃☃"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), PAGES)
def test_examples_of_the_pages(world: World, text: str, expected: object) -> None:
    assert world.query(f"select {text}") == [(expected,)]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("parse_url('example.int/hello.php?user=12#nofragment', 0)", "url"),
        ("parse_ip('1.2.3.256', 'INET')", "ip"),
        ("to_binary('zz')", "binary"),
        ("hex_decode_string('1')", "binary"),
        ("base64_decode_string('a')", "binary"),
        # RE2 does not tell where a group is: where its text is twice in the match, nothing is guessed.
        ("regexp_instr('aa', '(a)a', 1, 1, 0, 'e')", "regexp"),
        ("regexp_replace('a b', 'a|\\\\bb', 'x', 1, 2) || regexp_replace('aab', '\\\\Ba', 'x', 1, 2)", None),
    ],
)
def test_what_cannot_be_told_is_an_error(world: World, text: str, kind: str | None) -> None:
    if kind is None:
        assert world.query(f"select {text}") == [("a xaab",)]
        return
    with pytest.raises(duckdb.Error, match=f"cleanroom:{kind}"):
        world.query(f"select {text}")


@pytest.mark.parametrize(
    "text",
    [
        "sha2('a', 128)",
        "collate('a', 'en-ci')",
        "uuid_string('a')",
        "to_binary('a', 'X')",
        "base64_encode('a', 0, 'abcd')",
    ],
)
def test_what_is_refused_by_name(world: World, text: str) -> None:
    with pytest.raises(SqlError):
        world.query(f"select {text}")
