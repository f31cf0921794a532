"""Benchmarks: what the generator can do, and what a server makes of it. Stands on the stream; nothing but the command line knows it."""
