"""Runs that were cut off, offered at the top of the Start page."""

from PySide6.QtWidgets import QVBoxLayout, QWidget

from ui.controller import Controller
from ui.pages.start_reading import CutOff
from ui.widgets import Banner, ghost, icon_button, link, secondary
from workbench.wording import thousands

MOST = 2  # banners in full; the rest is counted


class Recovery(QWidget):
    """One banner for each run that nobody ended, with Look first and Resume."""

    def __init__(self, controller: Controller, parent: QWidget | None = None):
        super().__init__(parent)
        self._controller = controller
        self._shown: tuple[CutOff, ...] = ()
        self._put_away: set[str] = set()
        self.banners: list[Banner] = []
        self.more = link("")
        self.more.setObjectName("more_cut_off")
        self.more.clicked.connect(lambda: controller.page_wanted.emit("runs"))
        self.more.hide()
        self._box = QVBoxLayout(self)
        self._box.setContentsMargins(0, 0, 0, 0)
        self._box.setSpacing(8)
        self._box.addWidget(self.more)
        self.hide()

    def show_runs(self, runs: tuple[CutOff, ...]) -> None:
        """Offer these runs, newest first."""
        runs = tuple(run for run in runs if run.record.id not in self._put_away)
        if runs == self._shown:
            return  # rebuilding would take the focus from a button
        self._shown = runs
        for banner in self.banners:
            self._box.removeWidget(banner)
            banner.hide()
            banner.deleteLater()
        self.banners = [self._banner(run) for run in runs[:MOST]]
        for place, banner in enumerate(self.banners):
            self._box.insertWidget(place, banner)
        rest = len(runs) - MOST
        self.more.setText(f"and {rest} more {'was' if rest == 1 else 'were'} cut off")
        self.more.setVisible(rest > 0)
        self.setVisible(bool(runs))

    def _banner(self, run: CutOff) -> Banner:
        record = run.record
        look, resume = ghost("Look first"), secondary("Resume", "play")
        away = icon_button("x", "Hide until the next start", size=14)
        look.setObjectName("look_first")
        resume.setObjectName("resume")
        away.setObjectName("put_away")
        look.clicked.connect(lambda: self._controller.open_run(record.id))
        resume.clicked.connect(lambda: self._resume(record.id))
        away.clicked.connect(lambda: self._hide(record.id))
        sentence, evidence = words(run)
        banner = Banner(sentence, evidence, [look, resume])
        banner.box.addWidget(away)
        banner.setToolTip(record.title)
        return banner

    def _resume(self, run: str) -> None:
        self._controller.resume(run)
        if self._controller.is_live(run):
            self._controller.open_run(run)

    def _hide(self, run: str) -> None:
        self._put_away.add(run)
        self.show_runs(self._shown)


def words(run: CutOff) -> tuple[str, str]:
    """What happened to a run, and what resuming it gives."""
    record = run.record
    name = f"Run {record.number:04d}"
    if not record.step:
        evidence = "Nothing was trained yet, so nothing is lost. It starts from the beginning."
        return f"{name} was cut off before its first step.", evidence
    sentence = f"{name} was cut off at step {thousands(record.step)}."
    if not run.checkpoint:
        return sentence, "There is no checkpoint yet: it starts from the beginning."
    lost = record.step - run.checkpoint
    place = f"the checkpoint at step {thousands(run.checkpoint)}" if lost > 0 else "there"
    return (
        sentence,
        f"It resumes from {place} and gives the same numbers as if nothing had happened.",
    )
