"""The command line: `root` has the global options, and each other module the options and the help text of a command.

A command imports its work from footlake.commands when it runs. Modules of this package import Click and what it needs
anyway, so that `--help`, completion and messages about wrong options appear at once.
"""

from footlake.cli.root import InterruptHandler, main

__all__ = ["InterruptHandler", "main"]
