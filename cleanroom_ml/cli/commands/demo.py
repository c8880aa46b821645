"""`cleanroom-ml demo`."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated

import typer

from cleanroom_ml.cli.command import command, single
from cleanroom_ml.cli.output import Output

if TYPE_CHECKING:
    from cleanroom_ml.local.demo import DemoResult, Step

app = single()


@command(app, example="cleanroom-ml demo")
def demo(
    shuffle_labels: Annotated[
        bool, typer.Option("--shuffle-labels", help="Train on shuffled labels: the AUC falls to chance.")
    ] = False,
    no_isolation: Annotated[
        bool, typer.Option("--no-isolation", help="No sandbox, for machines that have none; the bundled sample only.")
    ] = False,
) -> Output:
    """Two parties, real data, this machine: from a directory of Python files to an activated audience."""
    from cleanroom_ml.cli.render import note
    from cleanroom_ml.local.extras import require

    require("engine", "samples", what="the demo")
    from cleanroom_ml.local.demo import run_demo
    from cleanroom_ml.local.demo_home import demo_home

    if no_isolation:
        note("warning: no sandbox: the bundled sample's code and SQL run with all of your rights on this machine")
    home, arguments = demo_home(no_isolation=no_isolation)
    result = run_demo(home, _tell, shuffle_labels=shuffle_labels, arguments=arguments)
    return Output(result, _text(result), hints=_hints(result))


def _tell(step: Step) -> None:
    from cleanroom_ml.cli.render import note

    note(f"{step.party:>10}  {step.did}" + (f"  · {step.saw}" if step.saw else ""))


def _text(result: DemoResult) -> str:
    return "\n".join(
        (
            "",
            f"5-fold AUC                 {result.auc:.3f}",
            f"capture in the best 20 %   {result.capture_at_20:.3f}",
            f"households, redeemers      {result.households:,}, {result.redeemers:,}",
            f"activated audience         {result.activated_rows:,} households  {result.audience}",
            f"approval digest (train)    {result.approval_digest}",
            f"isolation                  {result.isolation}" + (f": {why}" if (why := result.isolation_reason) else ""),
            f"seconds                    {result.seconds:g}",
        )
    )


def _hints(result: DemoResult) -> tuple[str, ...]:
    train = result.job_ids["train"]
    # Its home is not the one that the next command would look in (demo_home.py).
    home = (f"export CLEANROOM_ML_HOME={shlex.quote(str(result.home))}",) if result.isolation_reason else ()
    return (
        *home,
        f"cd {shlex.quote(str(result.project / 'advertiser'))}",
        f"cleanroom-ml logs {train}",
        f"cleanroom-ml result {train} --format json",
        "cleanroom-ml review train",
        "cleanroom-ml history",
    )
