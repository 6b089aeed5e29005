"""The roof: command line, settings, composition, process supervision. The only room that knows all others."""

__version__ = "0.1.0"
