"""What a template asks for and the run did not bring, named as it stands in the template, with what would bring it.

Runs inside the rendering sandbox. Jinja itself knows an element by its index alone, so that a table too few would be
"the variable 0".
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence

from jinja2 import Undefined
from jinja2.utils import missing as of_no_owner

# The templates' tables: what they are, and where a run names them (collaboration API, analysis specification).
_TABLES = {
    "source_table": ("a shared one", "view_mappings.source_tables", "`tables` in cleanroom.yaml, or --table VIEW"),
    "my_table": ("one of your own", "local_view_mappings.my_tables", "`my_tables` in cleanroom.yaml"),
}
# Arguments are the runner's own: a large one is not looked through to the end for the sake of a message.
_MOST_LOOKED_AT = 10_000


def naming(variables: Mapping[str, object]) -> Callable[..., Undefined]:
    """The class of undefined values for one rendering: whatever Jinja says of them, it says by name.

    A table that is not there is no empty text either, whatever the template does to it.
    """

    class Missing(Undefined):
        @property
        def _undefined_message(self) -> str:
            if self._undefined_hint:
                return str(self._undefined_hint)
            return message(self, variables)

        def __str__(self) -> str:
            if any(name in variables and self._undefined_obj is variables[name] for name in _TABLES):
                self._fail_with_undefined_error()
            return ""

    return Missing


def message(missing: Undefined, variables: Mapping[str, object]) -> str:
    """One sentence: what has no value, and how a run gives it one."""
    name, owner = missing._undefined_name, missing._undefined_obj
    if owner is of_no_owner:
        return f"the variable {name!r} has no value: pass it as an argument"
    root, path = _path(owner, variables)
    asked = f"{path}[{name!r}]" if isinstance(name, int) else f"{path}.{name}"
    if root in _TABLES and isinstance(owner, Sequence):
        kind, key, cli = _TABLES[root]
        passed = "no table" if not owner else "1 table" if len(owner) == 1 else f"{len(owner):,} tables"
        return f"{asked} has no value: the run names {passed} there; name {kind} in {key} ({cli})"
    if root and root != "preset_tables":
        return f"{asked} has no value: the argument {root!r} of the run does not have it"
    return f"{asked} has no value"


def _path(owner: object, variables: Mapping[str, object]) -> tuple[str, str]:
    """The variable in which something is, and how a template writes the way there; ("", a word for it) if in none."""
    waiting = deque((value, name, name) for name, value in variables.items())
    for _ in range(_MOST_LOOKED_AT):
        if not waiting:
            break
        value, root, path = waiting.popleft()
        if value is owner and isinstance(value, list | dict):
            return root, path
        waiting.extend((inner, root, f"{path}{step}") for step, inner in _inside(value))
    return "", f"({type(owner).__name__})"


def _inside(value: object) -> Iterable[tuple[str, object]]:
    if isinstance(value, dict):
        return ((f".{key}", inner) for key, inner in value.items())
    if isinstance(value, list):
        return ((f"[{at}]", inner) for at, inner in enumerate(value))
    return ()
