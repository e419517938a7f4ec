"""Numbers and lists as people write them, and back without loss."""

import csv
import math
from collections.abc import Iterable
from decimal import Decimal


def number_text(value: object) -> str:
    """The shortest text that reads back as `value`: 128, 0.05, 3e-4, 1e6; words stay as they are.

    Examples: 0.0003 → "3e-4", 1.0 → "1.0", 2500000.0 → "2.5e6", None → "".
    """
    if value is None:
        return ""
    if not isinstance(value, float):
        return str(value)
    if not math.isfinite(value):
        return repr(value)
    if value == 0 or 0.01 <= abs(value) < 1e6:
        return repr(value)
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    first, *rest = map(str, digits)
    mantissa = first + ("." + "".join(rest) if rest else "")
    return f"{'-' if sign else ''}{mantissa}e{int(exponent) + len(rest)}"


def number(text: str) -> int | float | str | None:
    """What `text` says: an int, a float, None for nothing, or the text itself if no number.

    Thin spaces between thousands and a true minus are understood.
    """
    bare = text.strip().replace("−", "-")
    for space in "\u2009\u202f\u00a0 ":
        bare = bare.replace(space, "")
    if not bare:
        return None
    if "_" in bare:  # Python reads 1_000; people who type it here mean something else
        return text
    for reading in (int, float):
        try:
            return reading(bare)
        except ValueError:
            continue
    return text


def list_text(values: Iterable[object]) -> str:
    """Values with commas between: "32, 64"; one that holds a comma or quote stands in quotes."""
    return ", ".join(_quoted(number_text(value)) for value in values)


def words(text: str) -> list[str]:
    """The parts of a list as text: `a, "b, c"` gives two. Empty text gives none."""
    if not text.strip():
        return []
    return next(csv.reader([text.strip()], skipinitialspace=True))


def _must_quote(cell: str) -> bool:
    return cell != cell.strip() or not cell or "," in cell or '"' in cell


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if _must_quote(cell) else cell
