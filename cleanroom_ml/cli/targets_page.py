"""docs/targets.md: what each command does on each target, from what it declares to need."""

from __future__ import annotations

from cleanroom_ml.cli.needs import Need, Where
from cleanroom_ml.cli.table import NEEDS

_HEAD = """\
# What each command does on each target

Written by `make docs` from cleanroom_ml/cli/table.py. Both targets are asked the same way; what a target can do is what
it answers, never what it is called: procedures that only some have are in a database `CLEANROOM_ML` of their own, which
`SHOW PROCEDURES IN DATABASE CLEANROOM_ML` lists, and which a command asks for once a session.

| command | what it uses | embedded engine | Snowflake |
|---|---|---|---|
"""


def targets_page() -> str:
    """The page."""
    return _HEAD + "\n".join(_row(words, need) for words, need in NEEDS.items()) + "\n"


def _row(words: str, need: Need) -> str:
    uses = f"{need.where}: {', '.join(f'`{call}`' for call in need.calls)}" if need.calls else str(need.where)
    if need.where in (Where.MACHINE, Where.FILES):
        return f"| `{words}` | {uses} | as its help says | the same: no account takes part |"
    if not need.own:
        return f"| `{words}` | {uses} | {need.without or 'as its help says'} | the same |"
    own = ", ".join(f"`{each}`" for each in need.own)
    return f"| `{words}` | {uses} | and of CLEANROOM_ML: {own} | {need.without} |"
