"""A report as GitHub-flavoured Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine.common.wording import LAYOUT, printable
from leverplus_tui.report.blocks import (
    Block,
    Bullets,
    Cell,
    Code,
    Figure,
    Folded,
    Heading,
    Lead,
    Paragraph,
    Remark,
    Remarks,
    Table,
)
from leverplus_tui.text.output import markdown_table, markdown_text


def to_markdown(blocks: Sequence[Block]) -> str:
    """The text; what only a drawing shows is left out, for the tables hold the same figures."""
    return "\n\n".join(text for block in blocks if (text := _markdown(block))) + "\n"


def _markdown(block: Block) -> str:
    match block:
        case Heading():
            return f"{'#' * block.level} {markdown_text(block.text)}"
        case Lead():
            return "\n".join(markdown_text(sentence) for sentence in block.sentences)
        case Paragraph():
            return _with_code(block.text)
        case Bullets():
            return "\n".join(f"- {(_with_code if block.ours else markdown_text)(point)}" for point in block.points)
        case Table():
            return _table(block)
        case Code():
            return _fenced(block.text)
        case Figure():
            return ""
        case Remarks():
            return "\n".join(_remark(remark, block.stored_title) for remark in block.remarks)
        case Folded():
            inner = "\n\n".join(_markdown(one) for one in block.blocks)
            return f"<details>\n<summary>{markdown_text(block.title)}</summary>\n\n{inner}\n\n</details>"


def _table(table: Table) -> str:
    """Columns that only hold drawings are left out."""
    drawn = {i for i, head in enumerate(table.headers) if isinstance(head, Cell) and head.svg and not head.text}
    kept = [i for i in range(len(table.headers)) if i not in drawn]
    rows = [[_cell(row[i]) for i in kept] for row in table.rows]
    return markdown_table(
        [_cell(table.headers[i]) for i in kept], rows, [place for place, i in enumerate(kept) if i in table.right]
    )


def _cell(cell: str | Cell) -> str:
    return cell if isinstance(cell, str) else " ".join(part for part in (cell.text, cell.note) if part)


def _remark(remark: Remark, stored_title: str) -> str:
    lines = [
        f"- **{markdown_text(remark.severity)}** `{remark.code}` {markdown_text(remark.about)}: {_with_code(remark.message)}"
    ]
    if remark.fix:
        lines.append(f"  - → {_with_code(remark.fix)}")
    if remark.stored:
        lines.append(f"  - {markdown_text(stored_title)}: {_with_code(remark.stored)}")
    return "\n".join(lines)


def _with_code(text: str) -> str:
    """A text of ours, in which pairs of backquotes mean code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return markdown_text(text)
    return "".join(f"`{printable(part)}`" if i % 2 else markdown_text(part) for i, part in enumerate(parts))


def _fenced(text: str) -> str:
    longest = max((len(ticks) for ticks in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{printable(text, LAYOUT)}\n{fence}"
