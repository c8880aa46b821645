"""A spec back to YAML: always the same text for the same model, and the same model when that text is parsed again."""

from __future__ import annotations

from collections.abc import Mapping

import yaml

from cleanroom_ml.specs.base import SpecModel

_WIDTH = 10_000_000  # no folding: a wrapped line is harder to review


class _Dumper(yaml.SafeDumper):
    """Block style, lists indented below their key, no anchors."""

    def ignore_aliases(self, data: object) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    lines = value.split("\n")
    fits = (
        len(lines) > 1
        and not lines[0].startswith(" ")
        and lines[0] != ""
        and all(line == line.rstrip() and (line.isprintable() or not line) for line in lines)
    )
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if fits else None)


_Dumper.add_representer(str, _text)


def dump_spec(model: SpecModel) -> str:
    """Canonical YAML: fields in the order of the model, what equals its default left out, texts of lines as blocks."""
    return yaml.dump(
        _plain(model), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH, default_flow_style=False
    )


def _plain(value: object) -> object:
    if isinstance(value, SpecModel):
        dumped = {name: getattr(value, name) for name in type(value).model_fields if not _is_default(value, name)}
        flat = getattr(value, "listed", None)
        if flat is not None:
            dumped |= dumped.pop("arguments", {})
            dumped = {flat: dumped.pop(flat)} | dumped if flat in dumped else dumped
        return {name: _plain(item) for name, item in dumped.items()}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _is_default(model: SpecModel, name: str) -> bool:
    field = type(model).model_fields[name]
    return not field.is_required() and getattr(model, name) == field.get_default(call_default_factory=True)
