"""Routes: fetch, build, answer; each names the permission it needs."""
