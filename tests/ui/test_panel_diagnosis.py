import pytest

from ui.panels.diagnosis import DiagnosisPanel
from workbench.diagnosis import Diagnosis


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def said(sentence, kind="learning", evidence="gap 0.04", numbers=(("Gap", "0.04"),)):
    return Diagnosis(kind, sentence, evidence, "trend-down", (0, 1640), "good", tuple(numbers))


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def panel(qtbot, clock):
    panel = DiagnosisPanel(clock=clock)
    qtbot.addWidget(panel)
    panel.resize(900, 40)
    return panel


def test_that_without_a_run_there_is_no_line(panel):
    panel.show_diagnosis(None)
    assert panel.isHidden()


def test_that_sentence_and_evidence_are_shown_and_read_aloud(panel):
    panel.show_diagnosis(said("Learning."))
    assert panel.sentence.full_text() == "Learning."
    assert panel.evidence.full_text() == "gap 0.04"
    assert panel.accessibleName() == "Diagnosis: Learning. gap 0.04"


def test_that_a_sentence_stands_two_seconds(panel, clock):
    panel.show_diagnosis(said("One."))
    clock.now += 1.9
    panel.show_diagnosis(said("Two."))
    assert panel.sentence.full_text() == "One."
    clock.now += 0.2
    panel.show_diagnosis(said("Three."))
    assert panel.sentence.full_text() == "Three."


def test_that_the_newest_waiting_sentence_comes_by_itself(panel, clock, qtbot):
    panel.show_diagnosis(said("One."))
    clock.now += 1.95
    panel.show_diagnosis(said("Two."))
    panel.show_diagnosis(said("Three."))
    qtbot.waitUntil(lambda: panel.sentence.full_text() == "Three.", timeout=3000)


def test_that_the_end_of_a_run_is_said_at_once(panel):
    panel.show_diagnosis(said("One."))
    panel.show_diagnosis(said("The loss became NaN at step 212.", kind="failed"))
    assert panel.sentence.full_text() == "The loss became NaN at step 212."


def test_that_show_evidence_opens_the_numbers_with_their_steps(panel):
    panel.show_diagnosis(said("Learning.", numbers=[("Gap", "0.04"), ("Window", "400 steps")]))
    assert panel.numbers.isHidden()
    panel.more.click()
    assert not panel.numbers.isHidden()
    assert panel.more.text() == "Hide evidence"
    assert panel.span.text() == "From steps 0 to 1\u2009640"
    texts = [panel._grid.itemAt(place).widget().text() for place in range(panel._grid.count())]
    assert texts == ["Gap", "0.04", "Window", "400 steps"]
    panel.more.click()
    assert panel.numbers.isHidden()


def test_that_open_numbers_follow_the_newest_diagnosis(panel, clock):
    panel.show_diagnosis(said("One."))
    panel.more.click()
    clock.now += 3
    panel.show_diagnosis(said("Two.", numbers=[("Gap", "0.05")]))
    texts = [panel._grid.itemAt(place).widget().text() for place in range(panel._grid.count())]
    assert texts == ["Gap", "0.05"]


def test_that_nothing_to_show_means_no_link(panel):
    panel.show_diagnosis(said("Not started yet.", kind="queued", numbers=()))
    assert panel.more.isHidden()
