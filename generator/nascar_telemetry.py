#!/usr/bin/env python3
"""Stream a NASCAR race into Arc: the published command line. `python3 nascar_telemetry.py --help` lists it."""

import sys

from nascar.launch import launch

if __name__ == "__main__":
    sys.exit(launch())
