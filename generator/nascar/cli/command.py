"""How every command ends: with a status, and after an error with one message."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from nascar.errors import NascarError


def run_command(parser: argparse.ArgumentParser, argv: Sequence[str] | None) -> int:
    """Parse and run; an error of ours becomes one message on stderr, and its exit status."""
    args = parser.parse_args(argv)
    try:
        return int(args.run(args))
    except NascarError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our output went away (`| head`): no error of this command.
        sys.stderr.close()
        return 141
