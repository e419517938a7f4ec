"""Keyed randomness: every random decision is a function of (seed, purpose, place)."""

import hashlib

import torch


def key(*parts: int | str) -> int:
    """A 63-bit seed from integers and strings, the same in every process.

    Example: `key(seed, "order", epoch)`.
    """
    digest = hashlib.blake2b(repr(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def generator(*parts: int | str, device: str | torch.device = "cpu") -> torch.Generator:
    """A fresh torch generator seeded with `key(*parts)`."""
    return torch.Generator(device=device).manual_seed(key(*parts))
