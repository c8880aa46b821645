"""`cleanroom-ml account`."""

from __future__ import annotations

from typing import Annotated

import typer

from cleanroom_ml.cli.command import command, group
from cleanroom_ml.cli.output import Output

app = group("Accounts of the embedded engine: one a party.")


@command(app, "create", example="cleanroom-ml account create publisher")
def create(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    user: Annotated[str, typer.Option("--user", help="Its first user.")] = "ADMIN",
) -> Output:
    """Create an account with one user, a key pair and a connection; repeating is safe."""
    from cleanroom_ml.cli.render import engine_starts
    from cleanroom_ml.local import accounts

    done = accounts.create(name, user=user, on_start=engine_starts)
    said = "created" if done.created else "there already"
    text = f"{done.account}: {said}; user {done.user}, connection {done.connection!r}, key {done.key_file}"
    return Output(done, text, hints=(f"cleanroom-ml connection use {done.connection}",))


@command(app, "list", example="cleanroom-ml account list")
def list_() -> Output:
    """The accounts that this person can use."""
    from cleanroom_ml.local import accounts

    rows = [
        {"connection": name, "account": section.get("account"), "user": section.get("user")}
        for name, section in accounts.connections().items()
    ]
    return Output(rows)
