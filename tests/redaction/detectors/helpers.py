"""Pieces of text as detectors get them."""

from __future__ import annotations

from redaction.detectors.piece import Piece, Scope


def a_piece(text, key="", scope=Scope.FULL):
    return Piece(text, text.lower(), key, scope, any(letter.isdigit() for letter in text))


def found(detector, text, key="", scope=Scope.FULL):
    """The texts a detector finds."""
    return [text[finding.start : finding.end] for finding in detector(a_piece(text, key, scope))]
