"""A NASCAR race as a stream of telemetry rows: race, telemetry, stream and command line."""

__version__ = "0.1.0"
