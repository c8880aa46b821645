"""A job's report is handed on and opened in a browser: nothing that a script chose may be more than text in it."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from cleanroom_ml.engine.jobs.event_shapes import event_of
from cleanroom_ml.services.absent import Absent
from cleanroom_ml.services.progress import Progress
from cleanroom_ml.services.reports import markup, page, save
from cleanroom_ml.services.reports.gathered import Approval, Log, Report, Result
from cleanroom_ml.services.update_requests import Decision

sys.path.insert(0, str(Path(__file__).parents[1] / "services"))
from services_reports import report, status, told_events

pytestmark = pytest.mark.attack

HOSTILE = {
    "a script": "<script>alert(1)</script>",
    "out of an attribute": '"><img src=x onerror=alert(1)>',
    "out of a single-quoted one": "' onload='alert(1)",
    "out of the title": "</title><script>alert(1)</script>",
    "out of the style sheet": "</style><script>alert(1)</script>",
    "out of the log": "</pre><iframe src=https://example.com></iframe>",
    "out of a drawing": "</text></svg><svg onload=alert(1)>",
    "a comment": "<!-- hides the rest",
    "an entity": "&lt;script&gt;&#60;b&#62;",
    "a style": "}</style><style>body{display:none}",
    "another policy": '<meta http-equiv="refresh" content="0;url=https://example.com">',
    "CDATA": "<![CDATA[<script>alert(1)</script>]]>",
    "reordering": "safe\u202e\u2066gpj.exe\u2069",
    "a terminal's escapes": "\x1b[2J\x1b]0;title\x07\x9b31m",
    "zero bytes": "a\x00b<\x00script>",
    "half a character": "\ud800<b>",
    "invisible": "pay\u200bpal\u00ad\U000e0041",
}
ELEMENTS = {
    "html", "head", "meta", "title", "style", "body", "main", "header", "h1", "h2", "p", "span", "b", "div", "section",
    "figure", "figcaption", "svg", "g", "line", "polyline", "polygon", "circle", "rect", "text", "table", "thead",
    "tbody", "tr", "th", "td", "dl", "dt", "dd", "pre", "footer",
}  # fmt: skip
LOADS = {
    "src",
    "href",
    "xlink:href",
    "action",
    "formaction",
    "data",
    "poster",
    "srcset",
    "style",
    "srcdoc",
    "background",
}


class Seen(HTMLParser):
    """What a browser would make of the page: its elements, attributes, and text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.others: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        self.others.append(data)

    def unknown_decl(self, data: str) -> None:
        self.others.append(data)


def seen(text: str) -> Seen:
    parser = Seen()
    parser.feed(text)
    parser.close()
    return parser


def hostile_report(bad: str) -> Report:
    """Every text that anybody but us chooses says the same bad thing; events pass the engine's check as they would."""
    numbers = {bad: 1.5, f"eval-{bad}": 2.5}
    found: list[dict[str, Any]] = [
        {"t": 1, "kind": "stage", "name": bad},
        *(
            {"t": 1, "kind": "round", "trainer": bad, "iteration": at, "total": 3, "metrics": numbers}
            for at in range(3)
        ),
        {"t": 1, "kind": "metrics", "source": bad, "metrics": numbers},
        *(
            {
                "t": 1,
                "kind": "trial",
                "number": at,
                "state": "done",
                "params": {bad: f"{bad}{at}", "x": at},
                "metrics": numbers,
            }
            for at in range(3)
        ),
        {"t": 1, "kind": "trial", "number": 9, "state": "failed", "params": {bad: bad}, "metrics": {}, "error": bad},
        {"t": 1, "kind": "importance", "trainer": bad, "values": numbers},
        {"t": 1, "kind": "nodes", "nodes": [{"address": bad, "cpus": 1, "memory": 1}]},
    ]
    checked = [event_of(json.dumps(event).encode()) for event in found]
    details = dict.fromkeys(("job_name", "template_id", "pool", "message", "reason", "image", "started_on", bad), bad)
    return report(
        job_id=bad,
        collaboration=bad,
        target=bad,
        status=replace(status(**details), job_id=bad, status=bad),
        approval=Approval(bad, bad, bad, (Decision(bad, bad, bad, bad),)),
        progress=Progress.of(checked),
        log=Log((bad, bad), 400),
        result=Result({bad: [bad]}),
    )


@pytest.mark.parametrize("bad", HOSTILE.values(), ids=HOSTILE)
def test_whatever_a_job_calls_itself_is_text(bad: str) -> None:
    text = page(hostile_report(bad))
    found = seen(text)
    assert set(found.elements) <= ELEMENTS
    assert found.others == []
    assert found.elements.count("style") == 1
    assert found.elements.count("meta") == 5
    assert not {name for name, _ in found.attributes if name in LOADS or name.startswith("on")}
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202e\u2066\u2069\u00ad]", text)
    text.encode("utf-8")


@pytest.mark.parametrize("bad", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>'])
def test_without_the_escaping_it_would_be_more(bad: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html, "escape", lambda text, quote=True: text)
    assert set(seen(page(hostile_report(bad))).elements) & {"script", "img"}


def test_what_is_hostile_is_shown_not_hidden() -> None:
    """Somebody who reads it must see what was there: left out, it would be another text."""
    shown = seen(page(report(log=Log(("safe\u202egpj.exe", "<b>bold</b>", "\x1b]0;x\x07"), 3)))).text
    assert "safe\\u202egpj.exe" in shown
    assert "<b>bold</b>" in shown
    assert "\\x1b]0;x\\x07" in shown


@pytest.mark.parametrize(
    "parts",
    [{}, {"progress": Absent("<script>"), "log": Absent("<script>"), "usage": Absent("x"), "approval": Absent("y")}],
)
def test_the_page_loads_nothing_and_runs_nothing(parts: dict[str, Any]) -> None:
    text = page(report(**parts))
    found = seen(text)
    assert "script" not in found.elements
    assert not re.search(r"https?:|//|url\(|@import|javascript:|data:", text)
    policy = next(value for name, value in found.attributes if name == "content" and "default-src" in str(value))
    (css,) = re.findall(r"<style>(.*?)</style>", text, re.S)
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert text.index("Content-Security-Policy") < text.index("<style>")


def test_our_own_code_cannot_make_what_would_run() -> None:
    for bad in ("script>alert(1)</script", "a b", "1", ""):
        with pytest.raises(ValueError, match="no element"):
            markup.tag(bad)
    for attribute in ("onload", "style", "x y", 'x"'):
        with pytest.raises(ValueError, match="no attribute"):
            markup.tag("p", **{attribute: "x"})
    with pytest.raises(ValueError, match="style sheet"):
        markup.style("</style><script>")


def test_a_long_line_and_many_events_make_no_long_page(tmp_path: Path) -> None:
    many = Progress.of(
        [
            *told_events(trials=2000, rounds=3000),
            *({"t": 1, "kind": "metrics", "source": f"s{number}", "metrics": {"m": 1}} for number in range(500)),
        ]
    )
    save(report(progress=many), tmp_path / "report.html")
    assert (tmp_path / "report.html").stat().st_size < 1_500_000
