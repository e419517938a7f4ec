"""Commands to a running loop, alone: which flag wins, and who wakes up."""

import math
import threading
import time

import pytest

from engines.control import Control


def test_that_a_fresh_control_asks_for_nothing():
    control = Control()
    assert control.quiet
    assert not control.held
    assert control.take_rate() is None
    assert not control.take_probe()


@pytest.mark.parametrize("ask", ["stop", "pause", "step_once", "probe_now"])
def test_that_every_command_ends_the_quiet(ask):
    control = Control()
    getattr(control, ask)()
    assert not control.quiet


def test_that_requests_are_taken_once():
    control = Control()
    control.set_learning_rate(0.1)
    control.set_learning_rate(0.2)
    control.probe_now()
    assert (control.take_rate(), control.take_rate()) == (0.2, None)
    assert (control.take_probe(), control.take_probe()) == (True, False)
    assert control.quiet


def test_that_single_steps_are_counted_and_resuming_forgets_them():
    control = Control()
    control.step_once()
    control.step_once()
    control.take_single_step()
    assert not control.held
    control.take_single_step()
    assert control.held
    control.take_single_step()
    assert control.held
    control.step_once()
    control.resume()
    control.pause()
    assert control.held


def test_that_stopping_lets_go_of_a_paused_loop():
    control = Control()
    control.pause()
    assert control.held
    control.stop("interrupted")
    assert not control.held
    assert control.stop_reason == "interrupted"


@pytest.mark.parametrize("rate", [0, -1, math.inf, math.nan])
def test_that_a_rate_that_is_no_step_length_is_refused(rate):
    with pytest.raises(ValueError, match="must be a positive number, such as 1e-3"):
        Control().set_learning_rate(rate)


@pytest.mark.parametrize(
    "wake", ["resume", "step_once", "probe_now", "stop", lambda c: c.set_learning_rate(1)]
)
def test_that_a_waiting_loop_wakes_at_once(wake):
    control = Control()
    control.pause()
    woken = []
    thread = threading.Thread(target=lambda: (control.wait(), woken.append(time.monotonic())))
    thread.start()
    time.sleep(0.05)
    assert not woken
    moment = time.monotonic()
    wake(control) if callable(wake) else getattr(control, wake)()
    thread.join(2)
    assert woken
    assert woken[0] - moment < 0.5


@pytest.mark.parametrize("before", [(), ("pause", "resume"), ("step_once",), ("pause", "stop")])
def test_that_waiting_returns_when_nothing_holds_the_loop(before):
    control = Control()
    for command in before:
        getattr(control, command)()
    # A daemon, or a loop that waits for ever would keep the tests from ending.
    thread = threading.Thread(target=control.wait, daemon=True)
    thread.start()
    thread.join(2)
    assert not thread.is_alive()
