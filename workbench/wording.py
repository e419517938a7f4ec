"""Numbers as people read them: sensible digits, thin spaces, a true minus."""

import math

THIN = "\u2009"


def joined(*parts: str) -> str:
    """The parts that say something, with dots between."""
    return " · ".join(part for part in parts if part)


def digits(value: float) -> str:
    """Three significant digits, a true minus, "–" for what is not a number."""
    if not math.isfinite(value):
        return "–"
    if value == 0:
        return "0"
    if not 1e-4 <= abs(value) < 1e6:
        return f"{value:.2e}".replace("-", "−")
    places = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:.{places}f}".replace("-", "−")


def signed(value: float) -> str:
    """Like `digits` with two of them and the sign always there."""
    if not math.isfinite(value):
        return "–"
    text = f"{value:+.2g}" if 1e-4 <= abs(value) < 100 else f"{value:+.1e}"
    return "0" if value == 0 else text.replace("-", "−")


def percent(share: float) -> str:
    """ "10 %" or "88.1 %"."""
    return f"{100 * share:.1f}".removesuffix(".0") + " %" if math.isfinite(share) else "–"


def thousands(value: int) -> str:
    """ "4 690", with thin spaces."""
    return f"{value:,}".replace(",", THIN)
