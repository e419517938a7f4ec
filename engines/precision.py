"""Which precision is faster here: bf16 pays for some models on some processors only."""

import copy
import time

import torch
from torch import nn

TRIES = 3


def faster_precision(
    model: nn.Module, shape: tuple[int, int, int], batch_size: int, device: torch.device
) -> str:
    """ "fp32" or "bf16", whichever runs forward and backward faster on zeros.

    Takes a few steps on a copy of the model, so under a second for what the house trains.
    bf16 must win by a tenth: it is narrower, and timings are noisy. On CUDA nothing is
    timed: eager steps of small models time the launches, not the arithmetic, and cards
    that have bf16 units are faster with them.
    """
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    trial = copy.deepcopy(model).to(device)
    layout = torch.contiguous_format
    if getattr(model, "channels_last", False):
        layout = torch.channels_last
        trial.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    x_BCHW = torch.zeros(batch_size, *shape, device=device).contiguous(memory_format=layout)
    seconds = {bf16: _fastest(trial, x_BCHW, bf16) for bf16 in (False, True)}
    return "bf16" if seconds[True] < 0.9 * seconds[False] else "fp32"


def _fastest(model: nn.Module, x_BCHW: torch.Tensor, bf16: bool) -> float:
    best = float("inf")
    for _ in range(TRIES + 1):
        start = time.perf_counter()
        with torch.autocast(x_BCHW.device.type, torch.bfloat16, enabled=bf16):
            loss = model(x_BCHW).float().square().mean()
        loss.backward()
        best = min(best, time.perf_counter() - start)
    return best
