#!/usr/bin/env python3
"""A terminal as a picture: tmux capture-pane -pe | tools/picture.py [COLUMNS] >picture.svg

Reads text with colours as a terminal has them (bold, red, green, yellow), writes SVG: one text element a line, its letters in place by
textLength, so that columns stand below each other in whatever font the reader has.
"""

import re
import sys
import unicodedata
from html import escape

COLORS = {"31": "#e5534b", "32": "#57ab5a", "33": "#c69026", "34": "#539bf5", "36": "#39c5cf"}
CELL, LINE, PAD = 8.4, 19, 14


def width(text):
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def pieces(line):
    """(text, bold, colour) with SGR codes taken out."""
    bold, color = False, None
    for i, part in enumerate(re.split(r"\x1b\[([\d;]*)m", line)):
        if i % 2 == 0:
            if part:
                yield part, bold, color
            continue
        for code in part.split(";"):
            if code in ("", "0"):
                bold, color = False, None
            elif code == "1":
                bold = True
            elif code == "39":
                color = None
            elif code in COLORS:
                color = COLORS[code]


def main():
    lines = [line.rstrip() for line in sys.stdin.read().rstrip("\n").split("\n")]
    columns = int(sys.argv[1]) if len(sys.argv) > 1 else max(width(re.sub(r"\x1b\[[\d;]*m", "", line)) for line in lines)
    w, h = columns * CELL + 2 * PAD, len(lines) * LINE + 2 * PAD
    print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w:.0f} {h:.0f}" width="{w:.0f}" height="{h:.0f}" '
          f'font-family="ui-monospace,Menlo,Consolas,\'DejaVu Sans Mono\',monospace" font-size="14" fill="#cdd9e5">')
    print('<rect width="100%" height="100%" rx="8" fill="#1c2128"/>')
    for n, line in enumerate(lines):
        at = 0
        for text, bold, color in pieces(line):
            if text.strip():
                lead = len(text) - len(text.lstrip())
                body = text.strip()
                print(f'<text x="{PAD + (at + lead) * CELL:.1f}" y="{PAD + n * LINE + 14}" textLength="{width(body) * CELL:.1f}" '
                      f'lengthAdjust="spacingAndGlyphs" xml:space="preserve"{" font-weight=" + chr(34) + "bold" + chr(34) if bold else ""}'
                      f'{f" fill={chr(34)}{color}{chr(34)}" if color else ""}>{escape(body)}</text>')
            at += width(text)
    print("</svg>")


main()
