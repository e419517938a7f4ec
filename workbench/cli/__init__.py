"""The command line: the same specs, runs and exports as the window, without one."""

from workbench.cli.entry import BadInput, run

__all__ = ["BadInput", "run"]
