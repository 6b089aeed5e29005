"""The demo: a believable fleet of agents, sent through the real receiver like anybody else's."""

DEMO_PROJECT = "demo"
"""The project that holds the demo and nothing else."""
