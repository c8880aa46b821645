"""States of approximations: HyperLogLog, MinHash and Space-Saving (user-guide/querying-approximate-cardinality,
…-similarity, …-frequent-values).

What is hashed is hashed in DuckDB by MD5 (functions/sketches.py), so that states of different sessions and releases can
be combined. A state of HyperLogLog is a BINARY: a letter, and for each sub-stream that was hit its index and count; or,
where that is shorter, one byte for each of the 4096. States that Snowflake exported can be imported, estimated and
combined with each other: they are of another hash, so that combining one with ours is refused.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

from cleanroom_ml.engine.sql.values.arrays import order, same
from cleanroom_ml.engine.sql.values.json_text import Json, read, write

STREAMS: Final = 4096
PRECISION: Final = 12
LARGEST: Final = 53
"""The largest leading-zero count + 1 of 52 bits."""
MOST_COUNTERS: Final = 100_000
MOST_HASHES: Final = 1024
_MOST_ESTIMATED: Final = 1 << 63
_VERSION: Final = 3
_HASH: Final = "md5"
_OURS: Final = b"M"
_THEIRS: Final = b"S"
_MOST_SPARSE: Final = (STREAMS - 2) // 3
"""Sub-streams of a state that is shorter than 4096 bytes."""


class NotAState(ValueError):
    """No state of this kind of approximation, or states that cannot be combined."""


def registers(packed: Iterable[int]) -> bytes:
    """The state of HyperLogLog of these `sub-stream * 64 + leading-zero count + 1`, in any order."""
    counts: dict[int, int] = {}
    for each in packed:
        stream, count = each >> 6, each & 63
        if count > counts.get(stream, 0):
            counts[stream] = count
    return _packed(counts, _OURS)


def count(packed: Iterable[int]) -> int:
    """HLL: the estimate of such a state."""
    return estimate(registers(packed))


def combine(states: Iterable[bytes]) -> bytes:
    """HLL_COMBINE. Raises NotAState: one is none, or they are of different hashes."""
    counts: dict[int, int] = {}
    hashes = set()
    for state in states:
        found, letter = _unpacked(state)
        if found:
            hashes.add(letter)
        for stream, each in found.items():
            if each > counts.get(stream, 0):
                counts[stream] = each
    if len(hashes) > 1:
        raise NotAState
    return _packed(counts, hashes.pop() if hashes else _OURS)


def estimate(state: bytes) -> int:
    """HLL_ESTIMATE: Ertl's estimator, which is unbiased for few values and for many (arXiv:1702.01284, algorithm 6).

    Raises NotAState: also of counts that no hashes have, of which the estimate would be beyond a BIGINT.
    """
    counts, _ = _unpacked(state)
    histogram = [0] * (LARGEST + 1)
    for each in counts.values():
        histogram[min(each, LARGEST)] += 1
    histogram[0] = STREAMS - sum(histogram)
    total = STREAMS * _tau(1 - histogram[LARGEST] / STREAMS)
    for each in range(LARGEST - 1, 0, -1):
        total = (total + histogram[each]) / 2
    total += STREAMS * _sigma(histogram[0] / STREAMS)
    if math.isinf(total):
        return 0
    if total * _MOST_ESTIMATED <= STREAMS * STREAMS:
        raise NotAState
    return round(STREAMS * STREAMS / (2 * math.log(2)) / total)


def export(state: bytes) -> str:
    """HLL_EXPORT: the OBJECT that its page shows; ours says by which hash. Raises NotAState."""
    counts, letter = _unpacked(state)
    made: dict[str, Json] = {"precision": PRECISION, "version": _VERSION}
    if len(counts) <= _MOST_SPARSE:
        listed = sorted(counts)
        made["sparse"] = {"indices": listed, "maxLzCounts": [counts[stream] for stream in listed]}
    else:
        made["dense"] = [counts.get(stream, 0) for stream in range(STREAMS)]
    if letter == _OURS:
        made["hash"] = _HASH
    return write(made)


def imported(text: str) -> bytes:
    """HLL_IMPORT: what its page says is checked, and the counts too. Raises NotAState."""
    found = read(text)
    if not isinstance(found, dict) or found.get("precision") != PRECISION or found.get("version") != _VERSION:
        raise NotAState
    dense, sparse = found.get("dense"), found.get("sparse")
    if isinstance(dense, list) and sparse is None and len(dense) == STREAMS:
        pairs = list(enumerate(_whole(dense)))
    elif isinstance(sparse, dict) and dense is None:
        indices, counts = _whole(sparse.get("indices")), _whole(sparse.get("maxLzCounts"))
        if len(indices) != len(counts) or len(set(indices)) != len(indices):
            raise NotAState
        pairs = list(zip(indices, counts, strict=True))
    else:
        raise NotAState
    if any(not (0 <= stream < STREAMS and 0 <= each <= LARGEST) for stream, each in pairs):
        raise NotAState
    return _packed({stream: each for stream, each in pairs if each}, _OURS if found.get("hash") == _HASH else _THEIRS)


def minhash_combine(states: Iterable[str]) -> str | None:
    """MINHASH_COMBINE: the least of each. Raises NotAState: they are of different lengths."""
    found = [_hashes(state) for state in states]
    if not found:
        return None
    if len({len(each) for each in found}) > 1:
        raise NotAState
    return write({"state": [min(each) for each in zip(*found, strict=True)], "type": "minhash", "version": 1})


def similarity(states: Iterable[str]) -> float | None:
    """APPROXIMATE_SIMILARITY: the part of the entries on which all agree. Raises NotAState: as above."""
    found = [_hashes(state) for state in states]
    if not found:
        return None
    if len({len(each) for each in found}) > 1:
        raise NotAState
    agreed = sum(len(set(each)) == 1 for each in zip(*found, strict=True))
    return agreed / len(found[0])


def top_k_state(values: list[str], counts: list[int], counters: int) -> str:
    """APPROX_TOP_K_ACCUMULATE of values with how often each is there, the most frequent first."""
    return _summary(list(zip(map(read, values), counts, strict=True)), counters)


def top_k_combine(states: Iterable[str], counters: int) -> str | None:
    """APPROX_TOP_K_COMBINE, by the parallel Space-Saving algorithm (arXiv:1401.0702): a value that a full summary does
    not have may have been there as often as its least frequent one. `counters`: 0 for those of the states.

    Raises NotAState: they have different numbers of counters, and none is given.
    """
    found = [_counted(state) for state in states]
    if not found:
        return None
    sizes = {size for _, size in found}
    if not counters and len(sizes) > 1:
        raise NotAState
    least = [min(times for _, times in each.values()) if len(each) >= size else 0 for each, size in found]
    values = {key: value for each, _ in found for key, (value, _) in each.items()}
    merged = [
        (value, sum(each[key][1] if key in each else fewest for (each, _), fewest in zip(found, least, strict=True)))
        for key, value in values.items()
    ]
    return _summary(merged, counters or sizes.pop())


def top_k_estimate(state: str, most: int) -> str:
    """APPROX_TOP_K_ESTIMATE: `[[value, frequency], …]`. Raises NotAState."""
    found, _ = _counted(state)
    return write([[value, times] for value, times in list(found.values())[:most]])


def _summary(pairs: list[tuple[Json, int]], counters: int) -> str:
    kept = sorted(pairs, key=lambda pair: (-pair[1], order(pair[0])))[:counters]
    listed = [each for pair in kept for each in pair]
    return write({"counters": counters, "state": listed, "type": "space-saving", "version": 1})


def _counted(text: str) -> tuple[Mapping[str, tuple[Json, int]], int]:
    """The values of a summary and how often each is there, by what is the same for equal ones; its counters."""
    found = read(text)
    if not isinstance(found, dict) or found.get("type") != "space-saving" or not isinstance(found.get("state"), list):
        raise NotAState
    listed = found["state"]
    (size,) = _whole([found.get("counters")])
    times = _whole(listed[1::2])
    if len(listed) % 2 or not 1 <= size <= MOST_COUNTERS or len(times) > size or any(each < 1 for each in times):
        raise NotAState
    return {same(value): (value, each) for value, each in zip(listed[::2], times, strict=True)}, size


def _hashes(text: str) -> list[int]:
    found = read(text)
    if not isinstance(found, dict) or found.get("type") != "minhash":
        raise NotAState
    hashes = _whole(found.get("state"))
    if not 1 <= len(hashes) <= MOST_HASHES:
        raise NotAState
    return hashes


def _whole(listed: Json) -> list[int]:
    if not isinstance(listed, list):
        raise NotAState
    if any(isinstance(each, bool) or not isinstance(each, int | Decimal) or each != int(each) for each in listed):
        raise NotAState
    return [int(each) for each in listed]


def _packed(counts: Mapping[int, int], letter: bytes) -> bytes:
    if len(counts) <= _MOST_SPARSE:
        each = (bytes((stream >> 8, stream & 255, counts[stream])) for stream in sorted(counts))
        return letter + b"".join(each)
    # Of 4096 bytes the first has the letter's bit as well: counts are less than 64.
    dense = bytearray(counts.get(stream, 0) for stream in range(STREAMS))
    if letter == _THEIRS:
        dense[0] |= 64
    return bytes(dense)


def _unpacked(state: bytes) -> tuple[dict[int, int], bytes]:
    """The counts of the sub-streams that were hit, and the letter of the hash. Raises NotAState."""
    if len(state) == STREAMS:
        letter = _THEIRS if state[0] & 64 else _OURS
        counts = {stream: each for stream, each in enumerate(bytes((state[0] & 63, *state[1:]))) if each}
    elif state[:1] in {_OURS, _THEIRS} and len(state) % 3 == 1 and len(state) < STREAMS:
        letter = state[:1]
        counts = {state[at] << 8 | state[at + 1]: state[at + 2] for at in range(1, len(state), 3)}
        if len(counts) * 3 + 1 != len(state):
            raise NotAState
    else:
        raise NotAState
    if any(stream >= STREAMS or not 1 <= each <= LARGEST for stream, each in counts.items()):
        raise NotAState
    return counts, letter


def _sigma(part: float) -> float:
    if part == 1:
        return math.inf
    power, total, before = 1.0, part, -1.0
    while total != before:
        part *= part
        before = total
        total += part * power
        power += power
    return total


def _tau(part: float) -> float:
    if part in {0.0, 1.0}:
        return 0.0
    power, total, before = 1.0, 1 - part, -1.0
    while total != before:
        part = math.sqrt(part)
        before = total
        power /= 2
        total -= (1 - part) ** 2 * power
    return total / 3
