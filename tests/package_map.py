"""The packages of cleanroom_ml and who may import whom; as a program, it writes them into docs/ARCHITECTURE.md."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

# What lies directly in cleanroom_ml/ belongs to nobody, and everybody may import it.
LOOSE = {"__init__", "errors", "error_names", "json_values", "naming", "remedies", "template_names"}

# What every package of the engine may import: the types that they exchange, and whose load something is.
EVERYWHERE = {"engine/contracts", "engine/load"}

# Every package, with whom it may import beside itself, the loose files and what is said above.
ALLOWED = {
    "cli": {"services", "local"},
    "services": {"connection", "specs", "artifacts", "evidence"},
    "connection": set(),
    "local": {"services", "connection", "engine/home", "engine/jobs", "engine/sandbox"} | {
        # Which images are in use is written in a home whose engine may not run.
        "engine/rooms", "engine/service_mode", "engine/storage",
    },
    "specs": set(),
    "artifacts": set(),
    "evidence": {"artifacts"},
    "runtime": set(),
    "engine/contracts": {"specs", "artifacts", "evidence", "engine/sql"},
    "engine/load": set(),
    "engine/protocol": {"engine/sql"},
    "engine/sql": set(),
    "engine/storage": set(),
    "engine/sandbox": set(),
    "engine/warehouse": {"engine/sql", "engine/sandbox"},
    "engine/statements": {"engine/sql", "engine/storage", "engine/warehouse"},
    "engine/rooms": {"specs", "artifacts", "evidence", "engine/storage", "engine/sql", "engine/sandbox"},
    # `specs` for types alone; of the runtime it knows the type of the file that describes a job to it.
    "engine/jobs": {"specs", "artifacts", "evidence", "engine/storage", "engine/sandbox", "runtime"},
    "engine/home": set(),
    "engine/login": {"engine/home", "engine/protocol", "engine/storage"},
    "engine/queries": {"engine/protocol", "engine/sql", "engine/statements", "engine/storage", "engine/warehouse"},
    "engine/service_mode": {"engine/protocol", "engine/queries", "engine/sql", "engine/statements", "engine/storage"},
    # The one package that knows all others but what listens, which starts it.
    "engine/assembly": {
        "engine/home", "engine/login", "engine/queries", "engine/protocol", "engine/rooms", "engine/jobs",
        "engine/service_mode", "engine/statements", "engine/warehouse", "engine/sandbox", "engine/sql",
        "engine/storage",
    },
    "engine/http": {
        "engine/assembly", "engine/home", "engine/login", "engine/protocol", "engine/service_mode", "engine/storage",
    },
}  # fmt: skip


ROOT = Path(__file__).parents[1] / "cleanroom_ml"
BEGIN, END = "<!-- packages: begin (written by `make docs`) -->\n", "<!-- packages: end -->\n"


def purpose(package: str) -> str:
    """The first sentence of the package's own docstring."""
    text = ast.get_docstring(ast.parse((ROOT / package / "__init__.py").read_text(encoding="utf-8"))) or ""
    sentence = re.split(r"(?<=[.])\s", " ".join(text.split()), maxsplit=1)[0]
    return sentence.replace("|", "\\|")


def table() -> str:
    """Every package with what it is for and whom it may import, as Markdown."""
    lines = ["| package | what it is for | may import |", "|---|---|---|"]
    for package, allowed in ALLOWED.items():
        listed = ", ".join(f"`{each.removeprefix('engine/')}`" for each in sorted(allowed)) or "–"
        lines.append(f"| `{package}/` | {purpose(package)} | {listed} |")
    return "\n".join(lines) + "\n"


def written(page: str) -> str:
    """The page with the table of today between its marks. Raises ValueError where the marks are missing."""
    before, _, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"{BEGIN.strip()} … {END.strip()} is not in the page")
    return before + BEGIN + table() + END + after


if __name__ == "__main__":
    place = Path(sys.argv[1])
    place.write_text(written(place.read_text(encoding="utf-8")), encoding="utf-8")
