"""The words of the house: frozen domain types, policy, pseudonyms and canonical forms; no IO."""
