"""The sealed write-ahead log: what was accepted, durable and unreadable without the private key, until it is stored."""
