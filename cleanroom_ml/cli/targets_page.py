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

_BEFORE = """
## Before you start on an account

`cleanroom-ml doctor -c NAME`, typed in a project's directory, looks at each of these lines that has a check, changes
nothing, and tells the statement of each that is missing with the account's own names. The embedded engine needs none of
it. Statements are sent as `cleanroom-ml sql "…"`, or in a worksheet, by whom the third column says.

| check | what has to be so | by | what makes it so |
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
    from cleanroom_ml.services.doctor import PREPARATIONS

    rows = "".join(_row(words, need) + "\n" for words, need in NEEDS.items())
    before = "".join(
        f"| {each.check or '–'} | {each.what} | {each.who} | "
        f"{'; '.join(f'`{text}`' for text in each.statements) or '–'} |\n"
        for each in PREPARATIONS
    )
    switched = "".join(f"| `{name}` | {what} |\n" for name, what in DEVIATIONS.items())
    return _HEAD + rows + _BEFORE + before + _SERVICE + switched


def _row(words: str, need: Need) -> str:
    uses = f"{need.where}: {', '.join(f'`{call}`' for call in need.calls)}" if need.calls else str(need.where)
    if need.where in (Where.MACHINE, Where.FILES):
        return f"| `{words}` | {uses} | as its help says | the same: no account takes part |"
    if not need.own:
        return f"| `{words}` | {uses} | {need.without or 'as its help says'} | the same |"
    own = ", ".join(f"`{each}`" for each in need.own)
    return f"| `{words}` | {uses} | and of CLEANROOM_ML: {own} | {need.without} |"
