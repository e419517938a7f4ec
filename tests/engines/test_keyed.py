"""Keyed randomness is the same everywhere and depends on nothing else."""

import itertools
import subprocess
import sys
from hashlib import blake2b
from pathlib import Path

import torch

from engines.keyed import generator, key

ROOT = Path(__file__).parents[2]


def test_that_a_key_is_the_lower_63_bits_of_the_digest_of_its_parts():
    digest = blake2b(b"(7, 'order', 3)", digest_size=8).digest()
    assert key(7, "order", 3) == int.from_bytes(digest, "little") // 2


def test_that_a_key_is_the_same_in_another_process():
    code = "from engines.keyed import key; print(key(1, 'noise', 2))"
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert int(told.stdout) == key(1, "noise", 2)


def test_that_ten_thousand_keys_are_distinct_and_fit_63_bits():
    keys = {key(*parts) for parts in itertools.product(range(5), "ab", range(1000))}
    assert len(keys) == 10_000
    assert min(keys) >= 0
    assert max(keys) < 2**63


def test_that_numbers_and_their_text_are_different_parts():
    assert key(1, "2") != key(1, 2) != key("1", 2)


def test_that_generators_ignore_the_global_one():
    torch.manual_seed(1)
    first = torch.rand(5, generator=generator(3, "x"))
    torch.manual_seed(2)
    torch.rand(7)
    assert torch.equal(first, torch.rand(5, generator=generator(3, "x")))
    assert not torch.equal(first, torch.rand(5, generator=generator(4, "x")))
