"""Tests of the room `collector`."""
