"""YAML text as a tree that knows where everything stands, from parser events alone: nothing in the text is executed.

Read as PyYAML's safe loader reads it (YAML 1.1), less what a spec has no use for: tags, merge keys, several documents,
duplicate keys, invisible characters, and sizes or depths that only an attack has.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import yaml
from yaml.constructor import SafeConstructor
from yaml.resolver import Resolver

from cleanroom_ml.specs.base import PlainFloat, PlainInt
from cleanroom_ml.specs.problems import Problem, SpecProblems, displayed

MAX_BYTES = 16 * 1024**2
MAX_DEPTH = 32
MAX_NODES = 50_000
_MAX_NUMBER_CHARACTERS = 64

# Control characters, unpaired surrogates, line breaks that editors do not show as such, and the bidirectional controls:
# with them a reviewer would see other code than what runs.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"
)
_LOADER: type[yaml.SafeLoader | yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_STR = "tag:yaml.org,2002:str"
_NO_DIGITS = re.compile(r"[-+]?0[xb]_+\Z")
_SEXAGESIMAL = re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?\Z")


@dataclass(slots=True)
class Node:
    """A value: `line` and `column` are 1-based, `start` and `end` are offsets of characters in the text.

    `nodes`, `characters` and `height` are what it amounts to when its aliases are written out.
    """

    line: int
    column: int
    start: int
    end: int
    nodes: int = 1
    characters: int = 0
    height: int = 1


@dataclass(slots=True)
class Scalar(Node):
    """`plain`: neither quoted nor a block, so it may be a number; `literal`: a `|` block, lines as in the file."""

    text: str = ""
    plain: bool = False
    literal: bool = False


@dataclass(slots=True)
class Sequence(Node):
    items: list[Node] = field(default_factory=list)


@dataclass(slots=True)
class Entry:
    key: Scalar
    value: Node


@dataclass(slots=True)
class Mapping(Node):
    entries: dict[str, Entry] = field(default_factory=dict)


def read_tree(text: str, source: str) -> Node:
    """The tree of one YAML document.

    Raises:
        SpecProblems: it is not YAML, is empty, too large, too deep, or uses what specs may not use.
    """
    _check_characters(text, source)
    try:
        return _Composer(source).compose(yaml.parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        what = ": ".join(part for part in (error.context, error.problem) if part)
        raise SpecProblems([Problem(source, line, column, "", f"not valid YAML: {what}")]) from None
    except yaml.YAMLError as error:
        raise SpecProblems([Problem(source, 1, 1, "", f"not valid YAML: {displayed(str(error))}")]) from None


def _check_characters(text: str, source: str) -> None:
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise SpecProblems([Problem(source, 1, 1, "", "the text is too large", f"at most {MAX_BYTES // 1024**2} MiB")])
    bad = _INVISIBLE.search(text)
    if bad:
        before = text[: bad.start()]
        line = before.count("\n") + 1
        column = bad.start() - (before.rfind("\n") + 1) + 1
        raise SpecProblems([Problem(source, line, column, "", _invisible(bad.group()), "characters that can be seen")])


def _invisible(character: str) -> str:
    return f"holds the invisible character U+{ord(character):04X}"


class _Mark(Protocol):
    line: int
    column: int
    index: int


def _at(mark: _Mark | None) -> _Mark:
    assert mark is not None  # the parser tells where each event stands
    return mark


class _Composer:
    """Builds the tree from events without recursion, so that no depth of nesting can exhaust the stack."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._anchors: dict[str, Node | None] = {}
        self._open: list[tuple[Node, str | None]] = []
        self._keys: list[Scalar | None] = []
        self._root: Node | None = None
        self._total_nodes = 0
        self._total_characters = 0
        self._problems: list[Problem] = []

    def compose(self, events: Iterator[yaml.Event]) -> Node:
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._stop(event, "a second document starts here", "one document in a file")
            elif isinstance(event, yaml.AliasEvent):
                self._alias(event)
            elif isinstance(event, yaml.ScalarEvent):
                self._scalar(event)
            elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
                self._start(event)
            elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
                self._end(event)
        if self._problems:
            raise SpecProblems(self._problems)
        if self._root is None:
            raise SpecProblems([Problem(self._source, 1, 1, "", "the file is empty", "a mapping of keys and values")])
        return self._root

    def _stop(self, event: yaml.Event, what: str, allowed: str = "") -> None:
        mark = _at(event.start_mark)
        problem = Problem(self._source, mark.line + 1, mark.column + 1, "", what, allowed)
        raise SpecProblems([*self._problems, problem])

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        self._check_tag(event)
        bad = _INVISIBLE.search(event.value)
        if bad:
            self._stop(event, _invisible(bad.group()), "characters that can be seen")
        plain = event.style in (None, "") and event.tag is None
        mark = _at(event.start_mark)
        node = Scalar(
            mark.line + 1,
            mark.column + 1,
            mark.index,
            _at(event.end_mark).index,
            characters=len(event.value),
            text=event.value,
            plain=plain,
            literal=event.style == "|",
        )
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        self._count(event, node)
        self._place(event, node)

    def _start(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent) -> None:
        self._check_tag(event)
        kind = Mapping if isinstance(event, yaml.MappingStartEvent) else Sequence
        mark = _at(event.start_mark)
        if self._open and isinstance(self._open[-1][0], Mapping) and self._keys[-1] is None:
            self._stop(event, "a key is a list or a mapping", "keys are text")
        if len(self._open) >= MAX_DEPTH:
            self._stop(event, "is nested too deep", f"at most {MAX_DEPTH} levels")
        node = kind(mark.line + 1, mark.column + 1, mark.index, mark.index)
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        self._open.append((node, event.anchor))
        self._keys.append(None)
        self._count(event, Node(0, 0, 0, 0))

    def _end(self, event: yaml.Event) -> None:
        node, anchor = self._open.pop()
        self._keys.pop()
        node.end = _at(event.end_mark).index
        if anchor is not None:
            self._anchors[anchor] = node
        self._place(event, node)

    def _alias(self, event: yaml.AliasEvent) -> None:
        node = self._anchors.get(event.anchor or "")
        if node is None:
            self._stop(event, f"the alias {displayed(f'*{event.anchor}')} names nothing that is complete here")
        else:
            if len(self._open) + node.height > MAX_DEPTH:
                self._stop(event, "is nested too deep", f"at most {MAX_DEPTH} levels")
            self._count(event, node)
            self._place(event, node)

    def _check_tag(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        if event.tag not in (None, "!", _STR):
            self._stop(
                event, f"the tag {displayed(event.tag)} is not allowed", "plain text, numbers, lists and mappings"
            )

    def _count(self, event: yaml.Event, node: Node) -> None:
        self._total_nodes += node.nodes
        self._total_characters += node.characters
        if self._total_nodes > MAX_NODES:
            self._stop(event, "has too many values", f"at most {MAX_NODES:,}, with aliases written out")
        if self._total_characters > MAX_BYTES:
            self._stop(event, "is too large with its aliases written out", f"at most {MAX_BYTES // 1024**2} MiB")

    def _place(self, event: yaml.Event, node: Node) -> None:
        if not self._open:
            self._root = node
            return
        parent = self._open[-1][0]
        parent.nodes += node.nodes
        parent.characters += node.characters
        parent.height = max(parent.height, node.height + 1)
        if isinstance(parent, Sequence):
            parent.items.append(node)
        elif isinstance(parent, Mapping):
            key = self._keys[-1]
            if key is not None:
                parent.entries.setdefault(key.text, Entry(key, node))
                self._keys[-1] = None
            elif isinstance(node, Scalar):
                self._keys[-1] = self._key(event, parent, node)
            else:
                self._stop(event, "a key is a list or a mapping", "keys are text")

    def _key(self, event: yaml.Event, parent: Mapping, key: Scalar) -> Scalar:
        if key.plain and key.text == "<<":
            self._stop(event, "merge keys are not allowed", "write the keys out")
        if key.text in parent.entries:
            first = parent.entries[key.text].key
            mark = _at(event.start_mark)
            what = f"the key {displayed(key.text)} stands here twice; first on line {first.line}"
            self._problems.append(Problem(self._source, mark.line + 1, mark.column + 1, "", what, "each key once"))
        return key


_RESOLVER: Any = Resolver()  # Any: its stubs leave out what it takes


def as_written(node: Node) -> object:
    """The tree as dicts, lists, text, booleans and None: numbers stay the text that they are (`2025_10`)."""
    if isinstance(node, Mapping):
        return {key: as_written(entry.value) for key, entry in node.entries.items()}
    if isinstance(node, Sequence):
        return [as_written(item) for item in node.items]
    assert isinstance(node, Scalar)
    return _value(node, numbers=False)


def to_python(node: Node) -> object:
    """The tree as dicts, lists, text, numbers, booleans and None. Keys are text, whatever they look like.

    Raises:
        ValueError: a number that `ambiguous_numbers` would have named.
    """
    if isinstance(node, Mapping):
        return {key: to_python(entry.value) for key, entry in node.entries.items()}
    if isinstance(node, Sequence):
        return [to_python(item) for item in node.items]
    assert isinstance(node, Scalar)
    return _value(node)


def _value(node: Scalar, *, numbers: bool = True) -> object:
    if not node.plain:
        return node.text
    tag = _RESOLVER.resolve(yaml.ScalarNode, node.text, (True, False)).rpartition(":")[2]
    if tag == "null":
        return None
    if tag not in (("int", "float", "bool") if numbers else ("bool",)):
        return node.text
    scalar = yaml.ScalarNode(tag, node.text)
    constructor = SafeConstructor()
    if tag == "bool":
        return constructor.construct_yaml_bool(scalar)
    number: PlainInt | PlainFloat
    if tag == "int":
        number = PlainInt(constructor.construct_yaml_int(scalar))
    else:
        number = PlainFloat(constructor.construct_yaml_float(scalar))
    number.text = node.text
    return number


def ambiguous_numbers(node: Node) -> Iterator[tuple[Scalar, str]]:
    """Every plain scalar whose value as a number would surprise, with what is wrong."""
    if isinstance(node, Mapping):
        for entry in node.entries.values():
            yield from ambiguous_numbers(entry.value)
    elif isinstance(node, Sequence):
        for item in node.items:
            yield from ambiguous_numbers(item)
    elif isinstance(node, Scalar) and node.plain:
        if _SEXAGESIMAL.match(node.text):
            yield node, f"{displayed(node.text)} is a number in base sixty to YAML"
        elif len(node.text) > _MAX_NUMBER_CHARACTERS and node.text[0] in "+-.0123456789" and _is_number(node.text):
            yield node, f"{displayed(node.text)} is a number with {len(node.text):,} digits"
        elif _NO_DIGITS.match(node.text):
            yield node, f"{displayed(node.text)} is a number without digits to YAML"


def _is_number(text: str) -> bool:
    tag: str = _RESOLVER.resolve(yaml.ScalarNode, text, (True, False))
    return tag.endswith((":int", ":float"))
