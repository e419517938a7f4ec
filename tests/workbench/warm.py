"""Imported by the fork server: what the first run of a process would import, but no thread."""

import torch

import tests.workbench.runs  # noqa: F401

torch.set_num_threads(1)
# The first optimiser of a process imports 900 modules.
torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))])
