"""The way in for a script that is run without being installed.

Everything here must run on a bare Python of any age, for its purpose is to say what is missing.
"""

import os
import sys
import sysconfig
from typing import List, Optional

_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def installation_command() -> str:
    """The one command that installs what the stream needs, for the Python that is running."""
    managed = os.path.exists(os.path.join(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED"))
    if managed and sys.prefix == sys.base_prefix:
        root = os.path.relpath(_ROOT)
        python = os.path.join(root, ".venv", "bin", "python")
        return f"make -C {root} install && {python} {' '.join(sys.argv[:1])}"
    requirements = os.path.relpath(os.path.join(_ROOT, "requirements", "stream.txt"))
    python = os.path.basename(sys.executable) or "python3"
    return f"{python} -m pip install -r {requirements}"


def launch(argv: Optional[List[str]] = None) -> int:
    """Run the published command line; the return value is the exit status."""
    if sys.version_info < (3, 11):
        sys.stderr.write(
            "This needs Python 3.11 or newer; this is %d.%d. Run it with a newer one, for instance python3.12.\n"
            % sys.version_info[:2]
        )
        return 2
    try:
        from nascar.cli.stream import main
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] == "nascar":
            raise
        sys.stderr.write(
            f"The package {error.name!r} is not installed for {sys.executable}. Install all that is needed with\n\n"
            f"    {installation_command()}\n\n"
        )
        return 2
    return main(argv)
