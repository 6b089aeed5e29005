"""The roof: command line, settings, composition, process supervision."""
