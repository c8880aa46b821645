"""What a sample project's `generate.py` and `load.py` are as programs: their arguments, and how they end."""

from __future__ import annotations

import argparse
import functools
import sys
from collections.abc import Callable

from cleanroom_ml.errors import CleanroomError


def script(main: Callable[[], None]) -> Callable[[], None]:
    """Decorate a script's `main`: an error that a person can act on is told in lines, with its own exit code."""

    @functools.wraps(main)
    def run() -> None:
        try:
            main()
        except CleanroomError as error:
            reported = (("error", error.what), ("why", error.why), ("fix", error.fix))
            sys.stderr.write("".join(f"{word}: {text}\n" for word, text in reported if text))
            raise SystemExit(error.exit_code) from None

    return run


def asked_size(description: str | None, option: str, default: int | None, help_: str) -> int | None:
    """The only argument of a `generate.py`: how much of the data, as `--households 500`."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(option, dest="size", type=int, default=default, help=help_)
    size: int | None = parser.parse_args().size
    if size is not None and size < 1:
        parser.error(f"{option} takes a number of at least 1")
    return size
