"""Tests of the store on ClickHouse."""
