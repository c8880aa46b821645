"""The report of a job: `gather` asks for everything, `page` makes one HTML page of it, `save` puts it into a file."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from cleanroom_ml.services.reports.gathered import Report, gather
from cleanroom_ml.services.reports.page import page

__all__ = ["Report", "default_path", "gather", "page", "save"]


def default_path(job_id: str, directory: Path) -> Path:
    """Where a job's report goes if nobody says: `<job id>.html`."""
    return directory / (job_id.replace('"', "").lstrip(".") + ".html")


def save(report: Report, path: Path) -> None:
    """Write the page; there is the old file or the whole new one. Raises OSError."""
    fd, part = tempfile.mkstemp(prefix=f".{path.name[:100]}.", dir=path.parent)
    try:
        with os.fdopen(fd, "w", encoding="utf-8", newline="\n") as file:
            file.write(page(report))
        mask = os.umask(0)
        os.umask(mask)
        Path(part).chmod(0o666 & ~mask)  # as any file that a command writes
        Path(part).replace(path)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise
