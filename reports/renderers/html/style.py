"""The page's style: the palette of the charts as variables, one column, tables that scroll in their own box."""

from collections.abc import Mapping
from typing import Final

from reports.renderers.charts.palette import DARK, LIGHT

_SERIES: Final = tuple(name for name in LIGHT if name.startswith("series"))

_LAYOUT: Final = """
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--page);color:var(--ink);
font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;overflow-wrap:anywhere}
main{max-width:62rem;margin:0 auto;padding:2rem 1.25rem 3rem}
header{border-top:6px solid var(--brand);padding-top:1.25rem;margin-bottom:2rem}
h1{font-size:clamp(1.6rem,4vw,2.3rem);line-height:1.2;margin:0 0 .4rem;letter-spacing:-.01em}
h2{font-size:1.3rem;line-height:1.3;margin:0 0 .75rem}
h3{font-size:1rem;margin:1.25rem 0 .4rem}
p{margin:0 0 .8rem;max-width:46rem}
a{color:var(--brand)}
.facts{display:flex;flex-wrap:wrap;gap:.5rem 2rem;margin:1rem 0 0}
.open{margin:1rem 0 0}
.facts dt{font-size:.78rem;color:var(--muted)}
.facts dd{margin:0;font-weight:600}
section{margin:0 0 2.5rem;padding-top:1.5rem;border-top:1px solid var(--line)}
.by,.note{color:var(--muted);font-size:.85rem}
ul.takeaways{margin:0 0 1rem;padding-left:1.2rem;max-width:46rem}
ul.takeaways li{margin:.25rem 0}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(10.5rem,1fr));gap:.75rem;margin:0 0 1.25rem}
.card{background:var(--soft);border:1px solid var(--line);border-radius:8px;padding:.7rem .85rem}
.card .label{font-size:.8rem;color:var(--muted)}
.card .value{font-size:1.35rem;font-weight:650;font-variant-numeric:tabular-nums;line-height:1.35}
.card .change{font-size:.8rem;color:var(--muted);font-variant-numeric:tabular-nums}
.card .change b{color:var(--ink);font-weight:600;display:block}
.error{background:var(--warn);color:var(--warnInk);border-radius:8px;padding:.8rem 1rem}
.empty{color:var(--muted)}
figure{margin:0 0 1.25rem}
figcaption{font-size:.9rem;font-weight:600;margin:0 0 .4rem}
figure p{margin:.2rem 0 0}
.pane{overflow-x:auto}
svg.chart{display:block;width:100%;min-width:34rem;max-width:52rem;height:auto;
font:11px system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
.t-text{fill:var(--ink)}.t-muted{fill:var(--muted)}
.grid{stroke:var(--grid)}.axis{stroke:var(--axis)}
.scroll{overflow-x:auto;border:1px solid var(--line);border-radius:8px;margin:0 0 .8rem}
table{border-collapse:collapse;width:100%;font-size:.9rem}
th,td{padding:.42rem .7rem;text-align:left;vertical-align:top;
border-bottom:1px solid var(--line);unicode-bidi:plaintext;overflow-wrap:anywhere}
.t{min-width:9rem}
tbody tr:last-child td{border-bottom:0}
th{background:var(--soft);font-weight:600}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
th.n{white-space:normal;overflow-wrap:normal}
.w{white-space:nowrap}
tbody tr:hover{background:var(--soft)}
:focus-visible{outline:2px solid var(--brand);outline-offset:2px}
@media (max-width:30rem){main{padding:1.25rem 1rem 2rem}.cards{grid-template-columns:1fr 1fr}}
@media print{
@page{size:A4;margin:16mm 14mm}
body{font-size:10.5pt}main{max-width:none;padding:0}.scroll,.pane{overflow:visible;border-radius:0}
svg.chart{min-width:0}.cards{grid-template-columns:repeat(4,1fr)}h2+p{break-after:avoid}thead{display:table-header-group}tr,figure,.card,.error{break-inside:avoid}h2,h3{break-after:avoid}
table{font-size:8.5pt}th,td{padding:.2rem .4rem}.t{min-width:0}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}
}
"""


def _variables(palette: Mapping[str, str]) -> str:
    return "".join(f"--{name}:{colour};" for name, colour in palette.items())


def _marks() -> str:
    rules = [
        f".s-{name}{{fill:none;stroke:var(--{name});stroke-width:2;stroke-linejoin:round}}.f-{name}{{fill:var(--{name})}}"
        for name in _SERIES
    ]
    return "".join(rules)


STYLE: Final = (
    f":root{{color-scheme:light dark;{_variables(LIGHT)}}}"
    f"@media screen and (prefers-color-scheme:dark){{:root{{{_variables(DARK)}}}}}{_LAYOUT}{_marks()}"
)
