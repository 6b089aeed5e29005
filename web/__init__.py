"""Shows: pages, JSON twin, charts, sign-in."""
