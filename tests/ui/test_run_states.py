"""One look for each state of a run, wherever it is shown."""

from typing import get_args

import pytest

from engines.events import Reason
from ui.icons import pixmap
from ui.run_states import STATES, state_of
from ui.theme import theme


def test_that_every_state_a_run_can_have_is_shown():
    assert set(STATES) == {"queued", "running", "paused", *get_args(Reason)}


@pytest.mark.parametrize("state", STATES.values(), ids=STATES)
def test_that_every_state_has_an_icon_a_colour_and_a_word(qapp, state):
    picture = pixmap(state.icon, state.tone, 16, 1.0).toImage()
    assert any(picture.pixelColor(x, y).alpha() for x in range(16) for y in range(16))
    assert theme().color(state.tone).isValid()
    assert state.word[0].isupper()


def test_that_no_two_states_look_or_sound_alike():
    assert len({state.icon for state in STATES.values()}) == len(STATES)
    assert len({state.word for state in STATES.values()}) == len(STATES)


def test_that_an_unknown_state_keeps_its_name():
    assert state_of("archived").word == "Archived"
