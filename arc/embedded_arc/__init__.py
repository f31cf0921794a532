"""A small engine that speaks Arc's HTTP API, with DuckDB inside: for machines without Docker, and for tests.

It is not Arc, and its speed says nothing about Arc's.
"""
