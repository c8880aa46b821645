"""The page's one style sheet: light and dark, wide and narrow, screen and paper."""

from __future__ import annotations

import base64
import hashlib
from typing import Final

CSS: Final = """
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --line: #dfe3e8; --ink: #17202b; --soft: #5c6875; --faint: #eef1f4;
  --accent: #1f6feb; --good: #1a7f37; --bad: #c62a2f; --wait: #9a6700; --best: #e8590c;
  --c0: #1f6feb; --c1: #e8590c; --c2: #1a8f6f; --c3: #9c36b5; --c4: #b8860b; --c5: #d6336c; --crowd: #b9c2cc;
  --q0: #d3dce6; --q1: #bcd0e6; --q2: #9dc0e8; --q3: #74a9e6; --q4: #4a8fe0; --q5: #2873d3; --q6: #0f51ab;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0e131a; --card: #161d27; --line: #2b3542; --ink: #e6ebf1; --soft: #98a5b3; --faint: #1d2632;
    --accent: #62a4ff; --good: #4cc36c; --bad: #ff7b7b; --wait: #e0b341; --best: #ff9f4d;
    --c0: #62a4ff; --c1: #ff9f4d; --c2: #43c7a1; --c3: #cf8be0; --c4: #dcbb4c; --c5: #f57fa8; --crowd: #465363;
    --q0: #2c3947; --q1: #2f4760; --q2: #33577b; --q3: #3a6b9b; --q4: #4583be; --q5: #579de0; --q6: #86c0ff;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; padding: 28px 20px 40px; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
  -webkit-text-size-adjust: 100%;
}
main { max-width: 1080px; margin: 0 auto; }
h1 { margin: 0; font-size: 25px; line-height: 1.25; letter-spacing: -0.01em; overflow-wrap: anywhere; }
h2 { margin: 34px 0 12px; font-size: 17px; }
p { margin: 0; }
header { display: flex; flex-wrap: wrap; gap: 8px 14px; align-items: center; }
header p { flex-basis: 100%; color: var(--soft); overflow-wrap: anywhere; }
code, pre, .mono { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
.pill {
  padding: 2px 12px; border-radius: 99px; font-size: 13px; font-weight: 650; letter-spacing: 0.03em; color: #fff;
}
.pill.done { background: var(--good); } .pill.failed { background: var(--bad); }
.pill.cancelled { background: var(--soft); } .pill.running, .pill.pending { background: var(--accent); }
@media (prefers-color-scheme: dark) { .pill { color: #0e131a; } }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin-top: 22px; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 14px 16px; margin: 0; }
.tile b { display: block; font-size: 21px; line-height: 1.3; font-weight: 650; letter-spacing: -0.01em; }
.tile b { overflow-wrap: anywhere; }
.tile span { color: var(--soft); font-size: 13px; overflow-wrap: anywhere; }
.tile .label { font-size: 12.5px; }
.said { margin-top: 16px; border-left: 4px solid var(--bad); overflow-wrap: anywhere; }
.absent { color: var(--soft); border-style: dashed; overflow-wrap: anywhere; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 400px), 1fr)); gap: 14px; }
figcaption { font-weight: 600; font-size: 14px; margin-bottom: 4px; overflow-wrap: anywhere; }
.legend { display: flex; flex-wrap: wrap; gap: 2px 14px; font-size: 12.5px; color: var(--soft); margin-bottom: 4px; }
.swatch { width: 18px; height: 10px; margin-right: -8px; align-self: center; }
.chart { display: block; width: 100%; height: auto; overflow: hidden; }
.scroll { overflow-x: auto; }
.chart.wide { width: 100%; min-width: 620px; max-width: 1040px; margin: 0 auto; }
svg text { fill: var(--soft); font-size: 11.5px; font-family: inherit; }
svg .strong { fill: var(--ink); font-size: 12px; } svg .metric { fill: var(--best); font-size: 12px; font-weight: 650; }
svg .name { font-size: 11px; } svg .limit-name { fill: var(--bad); font-size: 11px; }
svg .tick { font-size: 10.5px; paint-order: stroke; stroke: var(--card); stroke-width: 3px; stroke-linejoin: round; }
.grid { stroke: var(--faint); } .axis { stroke: var(--line); }
.limit { stroke: var(--bad); stroke-width: 1.2; stroke-dasharray: 2 4; }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
.line.crowd { stroke: var(--crowd); stroke-width: 1; opacity: 0.75; }
.line.c0 { stroke: var(--c0); } .line.c1 { stroke: var(--c1); } .line.c2 { stroke: var(--c2); }
.line.c3 { stroke: var(--c3); } .line.c4 { stroke: var(--c4); } .line.c5 { stroke: var(--c5); }
.dot.c0, .area.c0 { fill: var(--c0); } .dot.c1, .area.c1 { fill: var(--c1); } .dot.c2, .area.c2 { fill: var(--c2); }
.dot.c3, .area.c3 { fill: var(--c3); } .dot.c4, .area.c4 { fill: var(--c4); } .dot.c5, .area.c5 { fill: var(--c5); }
.spot { fill: transparent; } .spot:hover { fill: var(--soft); }
.area { opacity: 0.13; } .bar { fill: var(--accent); }
.trial { fill: none; stroke-width: 1.6; stroke-linejoin: round; opacity: 0.9; }
.trial:hover { stroke-width: 4; opacity: 1; }
.q0 { stroke: var(--q0); } .q1 { stroke: var(--q1); } .q2 { stroke: var(--q2); } .q3 { stroke: var(--q3); }
.q4 { stroke: var(--q4); } .q5 { stroke: var(--q5); } .q6 { stroke: var(--q6); }
.trial.best { stroke: var(--best); stroke-width: 3.2; opacity: 1; }
.trial.failed { stroke: var(--bad); stroke-dasharray: 3 4; opacity: 0.7; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; font-variant-numeric: tabular-nums; }
th { text-align: left; color: var(--soft); font-weight: 600; border-bottom: 1px solid var(--line); }
th, td { padding: 5px 14px 5px 0; vertical-align: top; max-width: 340px; overflow: hidden; }
th, td { overflow-wrap: break-word; unicode-bidi: isolate; }
td + td, th + th { min-width: 64px; }
tr + tr td { border-top: 1px solid var(--faint); }
tr.best td { font-weight: 650; color: var(--best); } td.bad { color: var(--bad); }
dl { display: grid; grid-template-columns: minmax(110px, max-content) 1fr; gap: 5px 18px; margin: 0; font-size: 14px; }
dt { color: var(--soft); } dd { margin: 0; overflow: hidden; overflow-wrap: anywhere; unicode-bidi: isolate; }
.quiet { color: var(--soft); font-size: 13px; }
pre {
  margin: 0; padding: 14px 16px; font-size: 12.5px; line-height: 1.55; overflow: auto; max-height: 560px;
  white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: plaintext;
}
.two { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 400px), 1fr)); gap: 0 14px; }
.two { align-items: start; }
.gap { margin-top: 14px; }
footer { margin-top: 34px; color: var(--soft); font-size: 12.5px; overflow-wrap: anywhere; }
@media (max-width: 560px) {
  body { padding: 18px 12px 30px; } .tiles { grid-template-columns: 1fr 1fr; gap: 8px; }
  .card { padding: 12px; } .tile b { font-size: 18px; }
  dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: 8px; }
}
@media print {
  :root {
    color-scheme: light; --page: #fff; --card: #fff; --line: #ccc; --ink: #000; --soft: #444; --faint: #eee;
    --accent: #1f6feb; --good: #1a7f37; --bad: #c62a2f; --best: #c2410c; --c0: #1f6feb; --c1: #c2410c; --crowd: #bbb;
  }
  body { padding: 0; font-size: 12px; } pre { max-height: none; } .pill { color: #fff; }
  .charts, .two { grid-template-columns: 1fr 1fr; } .chart.wide { min-width: 0; }
  .card, figure, tr { break-inside: avoid; } h2 { break-after: avoid; } .scroll { overflow: visible; }
  * { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
}
"""


def policy() -> str:
    """The page's Content-Security-Policy: nothing is loaded, nothing runs, and only this style sheet counts."""
    digest = base64.b64encode(hashlib.sha256(CSS.encode("utf-8")).digest()).decode("ascii")
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
