"""``python -m nascar`` is the command ``nascar``."""

import sys

from nascar.cli.main import main

sys.exit(main())
