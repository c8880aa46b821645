"""A job's report as one HTML page that needs nothing else: no script, no picture, no font from anywhere."""

from __future__ import annotations

from cleanroom_ml import __version__
from cleanroom_ml.services.absent import Absent
from cleanroom_ml.services.reports import sections
from cleanroom_ml.services.reports.gathered import Report
from cleanroom_ml.services.reports.markup import Markup, join, style, tag, void
from cleanroom_ml.services.reports.resources import resource_charts
from cleanroom_ml.services.reports.style import CSS, policy


def page(report: Report) -> str:
    """The whole document. All text in it that anybody else chose is escaped (reports/markup.py)."""
    head = tag(
        "head",
        void("meta", charset="utf-8"),
        void("meta", http_equiv="Content-Security-Policy", content=policy()),
        void("meta", name="viewport", content="width=device-width, initial-scale=1"),
        void("meta", name="referrer", content="no-referrer"),
        void("meta", name="robots", content="noindex"),
        tag("title", f"{report.job_id}: {report.status.status}"),
        style(CSS),
    )
    body = tag("body", tag("main", *_parts(report)))
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def _parts(report: Report) -> list[str]:
    status = report.status
    parts: list[str] = [_header(report)]
    if status.message:
        parts.append(tag("p", status.message, class_="card said"))
    parts.append(sections.tiles(report))
    progress = report.progress
    if isinstance(progress, Absent):
        parts += [tag("h2", "Training"), sections.absent("What the script told of its training", progress)]
    else:
        parts.append(sections.training(progress))
        if progress.search is not None:
            parts.append(sections.tuning(progress.search))
        parts += [sections.importance(progress), sections.dropped(progress)]
    usage = report.usage
    displayed = sections.absent("Memory and CPU", usage) if isinstance(usage, Absent) else resource_charts(usage)
    about = tag("section", tag("h2", "Job"), sections.facts(status))
    approved = tag("section", tag("h2", "Approval"), sections.approval(report.approval, status))
    return [
        *parts,
        tag("h2", "Resources"),
        displayed,
        tag("div", about, approved, class_="two"),
        tag("h2", "Result"),
        sections.result(report.result),
        tag("h2", "Log"),
        sections.log(report.log),
        tag("footer", f"As of {report.gathered_on}, from {report.target}. Written by cleanroom-ml {__version__}."),
    ]


def _header(report: Report) -> Markup:
    status = report.status
    reason = f" · {status.reason}" if status.reason and status.reason != "none" else ""
    name = status.details.get("job_name") or "Job"
    ran = ", ".join(str(status.details[key]) for key in ("template_id", "code_spec_id") if status.details.get(key))
    about = f"{report.job_id} · {report.collaboration}" + (f" · {ran}" if ran else "")
    known = ("DONE", "FAILED", "CANCELLED", "RUNNING", "PENDING")
    kind = status.status.lower() if status.status in known else "pending"
    pill = tag("span", status.status + reason, class_=f"pill {kind}")
    return tag("header", tag("h1", str(name)), pill, tag("p", join(about), class_="mono"))
