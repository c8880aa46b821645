"""Texts and bytes in ways that DuckDB has not. Source of each: sql-reference/functions/<name>."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import re
from collections.abc import Callable
from typing import Final
from urllib.parse import unquote_plus

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(.*)", re.DOTALL)
_SOUNDS: Final = {
    letter: digit
    for letters, digit in (("BFPV", "1"), ("CGJKQSXZ", "2"), ("DT", "3"), ("L", "4"), ("MN", "5"), ("R", "6"))
    for letter in letters
}


class NotAUrl(ValueError):
    """A text has no scheme."""


class NotAnAddress(ValueError):
    """A text is no address of its family, or the family is none."""


def digest(algorithm: str) -> Callable[[bytes], bytes]:
    """The hash of bytes, by the algorithm's name."""
    return lambda data: hashlib.new(algorithm, data).digest()


def parse_url(text: str, permissive: bool) -> str:
    """functions/parse_url.md: the parts of a URL as a JSON object; user and password stay in `host`."""
    found = _SCHEME.fullmatch(text)
    if found is None:
        if permissive:
            return json.dumps({"error": "scheme not specified"})
        raise NotAUrl
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
        raise NotAnAddress
    host, slash, prefix = text.partition("/")
    try:
        address = ipaddress.ip_address(host)
        network = ipaddress.ip_network(f"{host}/{int(prefix)}", strict=False) if slash else None
    except ValueError:
        if permissive:
            return json.dumps({"error": f"not a valid {kind} address"})
        raise NotAnAddress from None
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
    """functions/soundex.md: the first letter as it is written, and three digits; letters of one sound that only H or W
    part are one. (`a140`: snowpark-python, tests/integ/scala/test_function_suite.py::test_soundex.)
    """
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
    written = next(letter for letter in text if letter.isascii() and letter.isalpha())
    return written + (made[1:] + "000")[:3]


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
