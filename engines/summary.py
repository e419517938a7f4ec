"""What a model is made of, layer by layer: sizes, parameters, multiply-adds of one image."""

import copy
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from engines.attention.multi_head import MultiHeadAttention
from engines.layers import Dropout, GlobalAverage, L2Pool

KINDS: dict[type[nn.Module], str] = {
    nn.Conv2d: "convolution",
    nn.Linear: "linear",
    nn.BatchNorm1d: "batch norm",
    nn.BatchNorm2d: "batch norm",
    nn.LayerNorm: "layer norm",
    nn.AvgPool2d: "average pooling",
    nn.MaxPool2d: "max pooling",
    L2Pool: "L2 pooling",
    GlobalAverage: "global average",
    MultiHeadAttention: "attention",
}
# nn.Sequential only where it is empty, as a residual block's unchanged shortcut.
SILENT = (nn.Identity, nn.Sequential, nn.Flatten, nn.ReLU, nn.GELU, nn.Tanh, Dropout)


@dataclass(frozen=True, slots=True)
class LayerRow:
    """One line of the layer table.

    Attributes:
        name: path within the model, such as `stage1/convolution1/norm`, as taps are called.
        kind: what it is, in words.
        output_shape: of one image, without the batch.
        parameters: numbers that training changes.
        multiply_adds: of one image, in convolutions, linear layers and attention.
    """

    name: str
    kind: str
    output_shape: tuple[int, ...]
    parameters: int
    multiply_adds: int


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums under a layer table."""

    parameters: int
    multiply_adds: int


def layer_table(
    model: nn.Module | Callable[[], nn.Module], shape: tuple[int, int, int]
) -> list[LayerRow]:
    """The layers of a model, or of what a builder builds, in the order an image meets them.

    Runs on the meta device: nothing is computed, and a model given is only copied
    from (its weights aren't), so it may be training in another thread. Activations, dropout
    and reshaping have no row.

    Raises:
        ValueError: what the builder raises for an impossible combination.
    """
    if isinstance(model, nn.Module):
        twin = without_weights(model)
    else:
        with torch.device("meta"):
            twin = model()
    names = {module: readable(name) for name, module in twin.named_modules()}
    rows = [
        LayerRow(f"{names[owner]}/{name}".lstrip("/"), "parameter", tuple(p.shape), p.numel(), 0)
        for owner in pieces(twin)
        if type(owner) not in KINDS and any(owner.children())
        for name, p in owner.named_parameters(recurse=False)
    ]
    counted: set[nn.Module] = set()

    def note(module: nn.Module, given: tuple[Tensor, ...], made: Tensor) -> None:
        parameters = 0 if module in counted else sum(p.numel() for p in module.parameters())
        counted.add(module)
        shown = tuple(made.shape[1:])
        kind = KINDS.get(type(module), type(module).__name__)
        rows.append(LayerRow(names[module], kind, shown, parameters, multiply_adds(module, made)))

    for module in pieces(twin):
        leaf = type(module) in KINDS or not any(module.children())
        if leaf and not isinstance(module, SILENT):
            module.register_forward_hook(note)
    with torch.no_grad():
        twin.eval()(torch.zeros(1, *shape, device="meta"))
    return rows


def totals(rows: Iterable[LayerRow]) -> Totals:
    """Parameters and multiply-adds of the whole table."""
    rows = list(rows)
    return Totals(sum(row.parameters for row in rows), sum(row.multiply_adds for row in rows))


def multiply_adds(module: nn.Module, made: Tensor) -> int:
    """Multiplications, each with its addition, that made `made`; biases and norms are free."""
    match module:
        case nn.Conv2d():
            return made.numel() * module.weight[0].numel()
        case nn.Linear():
            return made.numel() * module.in_features
        case MultiHeadAttention():
            return module.multiply_adds(tokens=made.shape[1])
    return 0


def readable(path: str) -> str:
    """Torch's `stages.0.block1.change.norm1` as `stage1/block1/change/norm1`, counted from 1."""
    counted = re.sub(r"(\w+)s\.(\d+)", lambda found: f"{found[1]}{int(found[2]) + 1}", path)
    return counted.replace(".", "/")


def pieces(module: nn.Module) -> Iterator[nn.Module]:
    """The module and what is in it, without looking inside kinds that have a row of their own."""
    yield module
    if type(module) not in KINDS:
        for child in module.children():
            yield from pieces(child)


def without_weights(model: nn.Module) -> nn.Module:
    """A copy of the model on the meta device, which never copies the numbers themselves."""
    memo: dict[int, object] = {}
    for parameter in model.parameters():
        memo[id(parameter)] = nn.Parameter(torch.empty_like(parameter, device="meta"))
    for buffer in model.buffers():
        memo[id(buffer)] = torch.empty_like(buffer, device="meta")
    for module in model.modules():
        if isinstance(module, Dropout) and module.generator is not None:
            memo[id(module.generator)] = torch.Generator()  # torch can't copy one everywhere
    return copy.deepcopy(model, memo)
