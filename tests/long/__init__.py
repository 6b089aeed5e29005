"""Long tests, run by name: pytest does not collect these files by itself (CONTRIBUTING.md says how)."""
