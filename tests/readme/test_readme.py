"""The README says what the sources say."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_derived_parts_are_what_the_sources_say() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "scripts.build_readme", "--check"], cwd=ROOT, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr


def test_every_link_leads_somewhere() -> None:
    for document in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)\)", document.read_text()):
            if not target.startswith("http"):
                assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_no_committed_file_of_ours_fetches_from_a_content_network() -> None:
    names = subprocess.run(
        ["git", "ls-files", "docs", "grafana"], cwd=ROOT, capture_output=True, text=True
    ).stdout
    for name in names.split():
        text = (ROOT / name).read_text(errors="replace")
        assert not re.search(r"(?:src|href|url)\W{1,3}https?://[^\s\"')]*(?:cdn|fonts)", text), name


def test_every_make_target_it_names_is_there() -> None:
    makefiles = "".join((ROOT / name).read_text() for name in ("Makefile", "stack.mk"))
    targets = set(re.findall(r"^([a-z-]+):", makefiles, re.MULTILINE))
    text = (ROOT / "README.md").read_text()
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE))
    assert {"demo", "test", "up", "down"} <= named
    assert named <= targets
