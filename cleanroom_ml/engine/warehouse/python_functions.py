"""Functions of SQL that DuckDB has not, in Python (runs inside the sandbox, on values of the statement's own).

They are named `_py_…`, as which no client can call them: every call of a client's is looked up by its own name.
NULL in, NULL out. What they refuse they raise as `cleanroom:<kind>`, which `failures` knows.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import re
from collections.abc import Callable
from typing import Final, NamedTuple
from urllib.parse import unquote_plus

import duckdb

_CALLED = re.compile(r"\b(_py_[a-z0-9_]+)\(")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(.*)", re.DOTALL)
_SOUNDS: Final = {
    letter: digit
    for letters, digit in (("BFPV", "1"), ("CGJKQSXZ", "2"), ("DT", "3"), ("L", "4"), ("MN", "5"), ("R", "6"))
    for letter in letters
}


class PythonFunction(NamedTuple):
    """A function over DuckDB's types."""

    call: Callable[..., object]
    takes: tuple[str, ...]
    gives: str


def register(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Makes those that the text calls."""
    for name in sorted(set(_CALLED.findall(sql)) & FUNCTIONS.keys()):
        function = FUNCTIONS[name]
        connection.create_function(name, function.call, list(function.takes), function.gives)


def _sha2(name: str) -> PythonFunction:
    return PythonFunction(lambda data: hashlib.new(name, data).digest(), ("BLOB",), "BLOB")


def parse_url(text: str, permissive: bool) -> str:
    """functions/parse_url.md: the parts of a URL as a JSON object; user and password stay in `host`."""
    found = _SCHEME.fullmatch(text)
    if found is None:
        if permissive:
            return json.dumps({"error": "scheme not specified"})
        raise ValueError("cleanroom:url")
    scheme, rest = found.groups()
    rest, marked, fragment = rest.partition("#")
    rest, asked, query = rest.partition("?")
    host = port = None
    if rest.startswith("//"):
        host, _, rest = rest[2:].partition("/")
        name, colon, number = host.rpartition(":")
        if colon and number.isdigit():
            host, port = name, number
    parameters: dict[str, str | None] = {}
    for part in query.split("&") if query else ():
        key, equals, value = part.partition("=")
        parameters[unquote_plus(key)] = unquote_plus(value) if equals else None
    return json.dumps(
        {
            "fragment": fragment if marked else None,
            "host": host,
            "parameters": parameters or None,
            "path": rest,
            "port": port,
            "query": query if asked else None,
            "scheme": scheme,
        },
        ensure_ascii=False,
    )


def parse_ip(text: str, kind: str, permissive: bool) -> str:
    """functions/parse_ip.md: an address, with the range of its network where a prefix is given, as a JSON object."""
    kind = kind.lower()
    if kind not in {"inet", "cidr"}:
        raise ValueError("cleanroom:ip")
    host, slash, prefix = text.partition("/")
    try:
        address = ipaddress.ip_address(host)
        network = ipaddress.ip_network(f"{host}/{int(prefix)}", strict=False) if slash else None
    except ValueError:
        if permissive:
            return json.dumps({"error": f"not a valid {kind} address"})
        raise ValueError("cleanroom:ip") from None
    number = int(address)
    found: dict[str, object] = {"family": address.version, "host": host, "ip_type": kind}
    found["snowflake$type"] = "ip_address"
    if address.version == 4:
        found["ip_fields"] = [number, 0, 0, 0]
        found["ipv4"] = number
    else:
        found["ip_fields"] = [(number >> shift) & 0xFFFFFFFF for shift in (96, 64, 32, 0)]
        found["hex_ipv6"] = f"{number:032X}"
    if network is not None:
        ends = (int(network.network_address), int(network.broadcast_address))
        found["netmask_prefix_length"] = network.prefixlen
        if address.version == 4:
            found["ipv4_range_start"], found["ipv4_range_end"] = ends
        else:
            found["hex_ipv6_range_start"], found["hex_ipv6_range_end"] = (f"{end:032X}" for end in ends)
    return json.dumps(dict(sorted(found.items())))


def soundex(text: str) -> str:
    """functions/soundex.md: the first letter and three digits; letters of one sound that only H or W part are one."""
    letters = [letter for letter in text.upper() if "A" <= letter <= "Z"]
    if not letters:
        return ""
    made, last = letters[0], _SOUNDS.get(letters[0], "")
    for letter in letters[1:]:
        digit = _SOUNDS.get(letter, "")
        if digit and digit != last:
            made += digit
        if letter not in "HW":
            last = digit
    return (made + "000")[:4]


def editdistance(left: str, right: str) -> int:
    """functions/editdistance.md: how many characters are to be put in, taken out or replaced."""
    if len(left) < len(right):
        left, right = right, left
    row = list(range(len(right) + 1))
    for number, letter in enumerate(left, 1):
        diagonal, row[0] = row[0], number
        for at, other in enumerate(right, 1):
            diagonal, row[at] = row[at], min(row[at] + 1, row[at - 1] + 1, diagonal + (letter != other))
    return row[-1]


def jarowinkler(left: str, right: str) -> int:
    """functions/jarowinkler_similarity.md: 0 to 100, cut off. Characters count, not bytes, which DuckDB's compares."""
    reach = max(len(left), len(right)) // 2 - 1
    taken = [False] * len(right)
    matched: list[str] = []
    for number, letter in enumerate(left):
        for at in range(max(0, number - reach), min(len(right), number + reach + 1)):
            if not taken[at] and right[at] == letter:
                taken[at] = True
                matched.append(letter)
                break
    if not matched:
        return 100 if left == right and left else 0
    others = [letter for letter, found in zip(right, taken, strict=True) if found]
    moved = sum(a != b for a, b in zip(matched, others, strict=True)) // 2
    count = len(matched)
    similarity = (count / len(left) + count / len(right) + (count - moved) / count) / 3
    prefix = 0
    for a, b in zip(left[:4], right[:4], strict=False):
        if a != b:
            break
        prefix += 1
    if similarity > 0.7:
        similarity += prefix * 0.1 * (1 - similarity)
    return int(similarity * 100 + 1e-9)


FUNCTIONS: Final[dict[str, PythonFunction]] = {
    "_py_sha224": _sha2("sha224"),
    "_py_sha384": _sha2("sha384"),
    "_py_sha512": _sha2("sha512"),
    "_py_parse_url": PythonFunction(parse_url, ("VARCHAR", "BOOLEAN"), "VARCHAR"),
    "_py_parse_ip": PythonFunction(parse_ip, ("VARCHAR", "VARCHAR", "BOOLEAN"), "VARCHAR"),
    "_py_editdistance": PythonFunction(editdistance, ("VARCHAR", "VARCHAR"), "BIGINT"),
    "_py_jarowinkler": PythonFunction(jarowinkler, ("VARCHAR", "VARCHAR"), "BIGINT"),
    "_py_soundex": PythonFunction(soundex, ("VARCHAR",), "VARCHAR"),
}
