"""A page in the making: HTML that holds all it needs, the pictures and what draws them included.

It asks no network for anything, and a policy in its head forbids it to; so it can be kept, mailed, and opened on
a plane. All numbers stand in tables, too: without scripts only the pictures are missing.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Iterable, Sequence
from typing import Final

from nascar.bench.amounts import NOTHING
from nascar.bench.pictures import Figure
from nascar.errors import NascarError

_STYLE: Final = """
:root { color-scheme: light; }
body { margin: 0; background: #f5f6f8; color: #222; font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 24px 20px 80px; }
h1 { font-size: 26px; margin: 8px 0 4px; }
h2 { font-size: 20px; margin: 44px 0 8px; padding-top: 14px; border-top: 2px solid #d5d9df; }
h3 { font-size: 15px; margin: 26px 0 6px; }
p { margin: 6px 0; }
.verdict { font-size: 17px; padding: 10px 14px; border-left: 6px solid; background: #fff; margin: 14px 0; }
.held { border-color: #009e73; }
.missed { border-color: #d55e00; }
.warning { padding: 6px 14px; border-left: 6px solid #e69f00; background: #fff; margin: 8px 0; }
.dim { color: #5c6370; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; background: #fff; font-variant-numeric: tabular-nums; }
th, td { padding: 4px 12px; border-bottom: 1px solid #e4e7eb; text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
td.text, th.text { text-align: left; white-space: normal; }
tr.part td { color: #5c6370; background: #f5f6f8; font-size: 13px; padding-top: 10px; }
code { background: #e9ecf0; padding: 1px 5px; border-radius: 3px; overflow-wrap: anywhere; }
figure { margin: 0; background: #fff; padding: 6px; min-height: 120px; }
""".strip()

_DRAW: Final = """
const figures = JSON.parse(document.getElementById("figures").textContent);
for (const [id, figure] of Object.entries(figures)) {
  Plotly.newPlot(id, figure.data, figure.layout, {displayModeBar: false, responsive: true});
}
""".strip()


class Document:
    """HTML that grows from top to bottom, and the figures in it."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._parts: list[str] = []
        self._figures: dict[str, Figure] = {}

    def add(self, markup: str) -> None:
        """Put `markup` at the end, as it is."""
        self._parts.append(markup)

    def text(self, words: str, style: str = "") -> None:
        """A paragraph; `style` is a class of the style sheet."""
        kind = f' class="{style}"' if style else ""
        self.add(f"<p{kind}>{html.escape(words)}</p>")

    def sentences(self, lines: Iterable[str]) -> None:
        """A list."""
        self.add("<ul>" + "".join(f"<li>{html.escape(line)}</li>" for line in lines) + "</ul>")

    def verdict(self, held: bool, words: str) -> None:
        """The outcome, in the colour of its kind."""
        self.text(words, f"verdict {'held' if held else 'missed'}")

    def picture(self, title: str, figure: Figure | None, otherwise: str = "") -> None:
        """A figure under its title; where there is none, a sentence that says why."""
        if figure is None and not otherwise:
            return
        self.add(f"<h3>{html.escape(title)}</h3>")
        if figure is None:
            self.text(otherwise, "dim")
            return
        name = f"figure-{len(self._figures) + 1}"
        self._figures[name] = figure
        self.add(f'<figure id="{name}" aria-label="{html.escape(title)}"></figure>')

    def table(
        self, head: Sequence[str], lines: Iterable[Sequence[object] | str], *, is_text: bool = False
    ) -> None:
        """A table; a line that is one string is a heading within it."""
        kind = ' class="text"' if is_text else ""
        self.add('<div class="scroll"><table>')
        if any(head):
            self.add("<tr>" + "".join(f"<th>{html.escape(cell)}</th>" for cell in head) + "</tr>")
        for line in lines:
            if isinstance(line, str):
                self.add(f'<tr class="part"><td colspan="{len(head)}">{html.escape(line)}</td></tr>')
                continue
            cells = [NOTHING if cell is None else str(cell) for cell in line]
            first, *rest = (html.escape(cell) for cell in cells)
            self.add(f"<tr><td>{first}</td>" + "".join(f"<td{kind}>{cell}</td>" for cell in rest) + "</tr>")
        self.add("</table></div>")

    def html(self) -> str:
        """The whole page."""
        plotly = plotly_js()
        # A closing tag within the data would end it.
        figures = json.dumps(self._figures, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")
        allowed = " ".join(f"'sha256-{_digest(script)}'" for script in (plotly, _DRAW))
        policy = (
            f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; "
            "base-uri 'none'; form-action 'none'"
        )
        return "\n".join(
            (
                '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
                f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
                '<meta name="viewport" content="width=device-width, initial-scale=1">',
                f"<title>{html.escape(self._title)}</title>",
                f"<style>{_STYLE}</style>\n</head>\n<body>\n<main>",
                *self._parts,
                "<noscript><p>The pictures need JavaScript; all numbers stand in the tables.</p></noscript>",
                "</main>",
                f'<script type="application/json" id="figures">{figures}</script>',
                f"<script>{plotly}</script>\n<script>{_DRAW}</script>\n</body>\n</html>\n",
            )
        )


def plotly_js() -> str:
    """Plotly's JavaScript, from its Python package."""
    try:
        from plotly.offline import get_plotlyjs
    except ImportError:
        raise NascarError(
            "The page of a benchmark needs plotly. Install it: pip install 'nascar-telemetry[bench]'."
        ) from None
    return str(get_plotlyjs())


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
