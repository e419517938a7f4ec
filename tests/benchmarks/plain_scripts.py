"""Two scripts without our loop: as a student writes it, and the best plain one we can write."""

import gzip
import time
from pathlib import Path

import torch
from torch import nn

FASHION = Path(__file__).resolve().parents[2] / "resources" / "datasets" / "fashion-mnist"


def unpacked_for_torchvision(root: Path) -> Path:
    """Fashion-MNIST as torchvision's class wants it on disk; returns the root to give it."""
    raw = root / "FashionMNIST" / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    for packed in FASHION.glob("*.gz"):
        (raw / packed.stem).write_bytes(gzip.decompress(packed.read_bytes()))
    return root


def student(model: nn.Module, root: Path, steps: int, batch: int, device: torch.device) -> float:
    """torchvision's data set, a DataLoader, plain Adam and `.item()` each step; ms per step."""
    from torch.utils.data import DataLoader
    from torchvision import datasets, transforms

    images = datasets.FashionMNIST(str(root), train=True, transform=transforms.ToTensor())
    loader = DataLoader(images, batch_size=batch, shuffle=True, drop_last=True)
    model = model.to(device).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    criterion = nn.CrossEntropyLoss()
    losses, start = [], 0.0
    for done, (x, y) in enumerate(loader):
        if done == WARM_UP:
            start = time.perf_counter()
        if done == steps + WARM_UP:
            break
        optimizer.zero_grad()
        logits = model(x.to(device))
        loss = criterion(logits, y.to(device))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        (logits.argmax(1).cpu() == y).float().mean().item()
    return (time.perf_counter() - start) / steps * 1e3


WARM_UP = 5


def best_plain(
    model: nn.Module,
    images_NCHW: torch.Tensor,
    labels_N: torch.Tensor,
    steps: int,
    batch: int,
    *,
    bf16: bool,
    channels_last: bool,
) -> float:
    """Data in memory, batches by index, fused AdamW, no `.item()`; ms per step.

    It measures what our loop measures: loss and accuracy of each step, kept on the
    device, and the gradient's norm.
    """
    device = images_NCHW.device
    layout = torch.channels_last if channels_last else torch.contiguous_format
    model = model.to(device).to(memory_format=layout).train()  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
    order = torch.randperm(len(labels_N), device=device)
    kept, start = [], 0.0
    for step in range(steps + WARM_UP):
        if step == WARM_UP:
            synchronise(device)
            start = time.perf_counter()
        index = order[step * batch : (step + 1) * batch]
        x = images_NCHW[index].float().div_(127.5).sub_(1).contiguous(memory_format=layout)
        y = labels_N[index]
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            logits = model(x)
        loss = nn.functional.cross_entropy(logits.float(), y)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.get_total_norm([p.grad for p in model.parameters()], foreach=True)
        optimizer.step()
        kept.append((loss.detach(), (logits.detach().argmax(1) == y).float().mean(), norm))
    synchronise(device)
    return (time.perf_counter() - start) / steps * 1e3


def synchronise(device: torch.device) -> None:
    """Wait for the device, where it works on its own."""
    if device.type == "cuda":
        torch.cuda.synchronize()
