"""The command line: `root` has the global options, and a module per command its options and its help text.

A command imports its work from footlake.commands, and `execution`, when it runs. Other imports of this package are
those of Click, so that `--help`, completion and messages about wrong options appear at once.
"""

from footlake.cli.root import main

__all__ = ["main"]
