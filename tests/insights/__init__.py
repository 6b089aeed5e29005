"""Tests of the room `insights`."""
