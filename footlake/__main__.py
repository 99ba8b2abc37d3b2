"""`python -m footlake` is the command line."""

from footlake.cli import main

main(prog_name="footlake")
