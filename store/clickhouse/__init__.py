"""The store in ClickHouse: a server, or the engine embedded in this process; one class for both."""

from store.clickhouse.store import ClickHouseStore

__all__ = ["ClickHouseStore"]
