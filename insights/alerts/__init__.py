"""Judges when a person has to be told: rules, their evaluation, the state of every alert, the words of a message."""
