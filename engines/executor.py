"""How an update is launched: as it is, or on CUDA as one captured graph."""

import logging
from collections import deque
from typing import Any, Protocol

import torch
from torch import Tensor

log = logging.getLogger(__name__)

WARM_UP = 4  # updates on a side stream before the capture, as PyTorch's notes ask
CHUNK = 16  # replays between two waits: stop, pause and learning rate act within two chunks


class Steps(Protocol):
    """What an executor launches."""

    model: torch.nn.Module
    optimizer: torch.optim.Optimizer
    noise: torch.Generator
    device: torch.device

    def prepare(self, step: int) -> None:
        """Lay out what update number `step` reads."""

    def update(self) -> dict[str, Tensor]:
        """One update; returns 0-dim tensors."""

    def renew_noise(self) -> None:
        """A fresh generator of noise."""


class EagerExecutor:
    """Runs every update as Python says."""

    def __init__(self, task: Steps):
        self._task = task

    def step(self, step: int) -> Tensor:
        """Values of update number `step`, [M] on the device."""
        self._task.prepare(step)
        return torch.stack(list(self._task.update().values()))


class GraphExecutor:
    """Captures one update as a CUDA graph and replays it; the host only fills its inputs.

    The first `WARM_UP` updates run eagerly and count. Any error of the capture itself
    falls back to eager with one line in the log.
    """

    def __init__(self, task: Steps):
        self._task = task
        self._eager = EagerExecutor(task)
        self._graph: torch.cuda.CUDAGraph | None = None
        self._done = 0
        self._refused = False
        self._values_M: Tensor | None = None
        self._side: torch.cuda.Stream | None = None
        self._flights: deque[Any] = deque()

    def step(self, step: int) -> Tensor:
        """Values of update number `step`, [M] on the device."""
        if self._refused:
            return self._eager.step(step)
        if self._done < WARM_UP:
            return self._warm_up(step)
        self._task.prepare(step)
        if self._graph is None and not self._capture():
            return self._eager.step(step)
        assert self._graph is not None
        assert self._values_M is not None
        self._graph.replay()
        self._pace()
        return self._values_M

    def _warm_up(self, step: int) -> Tensor:
        self._done += 1
        if self._side is None:  # one stream: each would keep a memory pool of its own
            self._side = torch.cuda.Stream()
        self._side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._side):
            values_M = self._eager.step(step)
        torch.cuda.current_stream().wait_stream(self._side)
        return values_M

    def _capture(self) -> bool:
        """Record the update; the recording itself changes no weights."""
        graph = torch.cuda.CUDAGraph()
        graph.register_generator_state(self._task.noise)
        # Gradients left over from the warm-up would be freed inside the capture.
        self._task.optimizer.zero_grad(set_to_none=True)
        before = torch.cuda.current_stream()
        try:
            # "thread_local": what the window's threads do meanwhile must not spoil the capture.
            with torch.cuda.graph(graph, capture_error_mode="thread_local"):
                self._values_M = torch.stack(list(self._task.update().values()))
        except RuntimeError as error:
            self._refused = True
            torch.cuda.set_stream(before)  # a failed capture leaves the thread on its own
            self._task.renew_noise()
            self._task.optimizer.zero_grad(set_to_none=True)
            log.warning("This step can't be captured as a CUDA graph; it runs eagerly: %s", error)
            return False
        self._graph = graph
        return True

    def _pace(self) -> None:
        """Keep at most two chunks of replays in flight; the wait releases the GIL."""
        self._done += 1
        if self._done % CHUNK:
            return
        event = torch.cuda.Event(blocking=True)
        event.record()
        self._flights.append(event)
        if len(self._flights) >= 2:
            self._flights.popleft().synchronize()


def executor_for(task: Steps) -> EagerExecutor | GraphExecutor:
    """The fastest executor for the task's device."""
    return GraphExecutor(task) if task.device.type == "cuda" else EagerExecutor(task)
