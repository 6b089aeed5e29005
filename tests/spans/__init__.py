"""Tests of the room `spans`."""
