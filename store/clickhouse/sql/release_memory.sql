-- Pages the allocator holds but does not use go back to the system.
SYSTEM JEMALLOC PURGE
