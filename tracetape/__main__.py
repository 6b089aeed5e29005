"""`python -m tracetape` is the `tracetape` command."""

from tracetape.cli import main

main()
