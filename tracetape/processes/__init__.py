"""One module per process that `serve` starts."""
