"""Pages: one frozen context per page and the pure builder that makes it."""
