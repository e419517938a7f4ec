"""Times as people say them: how long something takes, and when it was."""

from datetime import datetime

from workbench.wording import THIN


def duration(seconds: float) -> str:
    """ "3 s", "40 s", "2 min" or "1.5 h": one number, rounded as estimates are."""
    if seconds < 90:
        return f"{max(1, round(seconds))}{THIN}s"
    if seconds < 90 * 60:
        return f"{int(seconds / 60 + 0.5)}{THIN}min"
    return f"{seconds / 3600:.1f}".removesuffix(".0") + f"{THIN}h"


def when(moment: float, now: float) -> str:
    """A moment in seconds since 1970, seen from `now`: "4 min ago", "yesterday 22:14".

    A moment in the future, as after a change of the clock, is "now".
    """
    then, today = datetime.fromtimestamp(moment), datetime.fromtimestamp(now)
    passed, days = now - moment, (today.date() - then.date()).days
    if passed < 60:
        return "now"
    if passed < 3600:
        return f"{int(passed // 60)}{THIN}min ago"
    if days == 0:
        return f"today {then:%H:%M}"
    if days == 1:
        return f"yesterday {then:%H:%M}"
    if days < 7:
        return f"{days} days ago"
    return f"{then.day} {then:%B}" + ("" if then.year == today.year else f" {then.year}")
