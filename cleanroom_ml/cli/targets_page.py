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


_SERVICE = """
## The engine as the service really answers

`cleanroom-ml engine start --like-snowflake all` makes the embedded engine answer late, in other forms and with errors
as they arrive from the service, so that what is built on it is tried before it meets an account; `--like-snowflake
delays,tracebacks` switches on some of it. `engine status` tells what is on, and `engine stop` ends it.

| deviation | what it does |
|---|---|
"""


def targets_page() -> str:
    """The page."""
    from cleanroom_ml.local.engine import DEVIATIONS

    rows = "\n".join(_row(words, need) for words, need in NEEDS.items())
    return _HEAD + rows + "\n" + _SERVICE + "".join(f"| `{name}` | {what} |\n" for name, what in DEVIATIONS.items())


def _row(words: str, need: Need) -> str:
    uses = f"{need.where}: {', '.join(f'`{call}`' for call in need.calls)}" if need.calls else str(need.where)
    if need.where in (Where.MACHINE, Where.FILES):
        return f"| `{words}` | {uses} | as its help says | the same: no account takes part |"
    if not need.own:
        return f"| `{words}` | {uses} | {need.without or 'as its help says'} | the same |"
    own = ", ".join(f"`{each}`" for each in need.own)
    return f"| `{words}` | {uses} | and of CLEANROOM_ML: {own} | {need.without} |"
