"""`cleanroom-ml help`."""

from __future__ import annotations

from typing import Annotated, Any

from cleanroom_ml.cli.command import command, single
from cleanroom_ml.cli.options import optional_argument
from cleanroom_ml.cli.output import Output

app = single()


@command(app, name="help", example="cleanroom-ml help code_spec.ml_jobs.entrypoint")
def help_(
    words: Annotated[
        list[str] | None, optional_argument(metavar="KEY", help="A key of a spec, or a command; none: list the keys.")
    ] = None,
) -> Output:
    """What a key of a spec file is for; the list of all keys; the help of a command."""
    from cleanroom_ml.errors import UsageError
    from cleanroom_ml.services import reference

    if not words:
        every = reference.keys()
        width = max(len(key.path) for key in every)
        text = "\n".join(f"{key.path:<{width}}  {key.description}" for key in every)
        return Output(every, text, hints=("cleanroom-ml help KEY", "cleanroom-ml --help  (the commands)"))
    name = " ".join(words)
    of_a_command = _of_a_command(words)
    try:
        found = reference.find(name)
    except UsageError:
        if of_a_command is None:
            raise
        return Output({"command": name, "help": of_a_command}, of_a_command)
    hints = (f"cleanroom-ml {name} --help  (the command)",) if of_a_command is not None else ()
    return Output(found, reference.explain(found), hints=hints)


def _of_a_command(words: list[str]) -> str | None:
    """The help of the command that the words name; None where they name none."""
    import typer.main

    from cleanroom_ml.cli.root import app as root

    # Any: groups and commands of the parser that typer brings along, which says of neither what it is.
    command_: Any = typer.main.get_command(root)
    context: Any = command_.make_context("cleanroom-ml", [], resilient_parsing=True)
    for word in words:
        commands = command_.list_commands(context) if hasattr(command_, "list_commands") else ()
        if word not in commands:
            return None
        command_ = command_.get_command(context, word)
        context = type(context)(command_, info_name=word, parent=context, **root_settings(command_))
    return str(command_.get_help(context))


def root_settings(command_: object) -> dict[str, object]:
    """How wide the help may be, as the parser itself would have it."""
    return dict(getattr(command_, "context_settings", {}) or {})
