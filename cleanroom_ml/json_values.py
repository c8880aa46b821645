"""JSON as a type: what we read by its names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

Document: TypeAlias = Mapping[str, Any]
"""A JSON object that is read by its names: its form is said by whatever wrote it (the payload of a request, what
a registry keeps of a code spec, what a target tells of a job).

`Any` is here and nowhere else: a value whose form nobody promised, or that is only handed on, is an `object`.
"""
