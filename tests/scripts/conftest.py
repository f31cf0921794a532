"""A short race with a caution in it, run once for all tests of the calibration."""

from __future__ import annotations

import pytest

from nascar.race.entries import field, load_entries
from nascar.race.rules import Cautions, Rules
from nascar.race.track import charlotte
from scripts.calibration.survey import Survey, survey


@pytest.fixture(scope="session")
def short_race() -> Survey:
    return survey(field(load_entries(), 12), charlotte(), Rules(24, Cautions.MANY), 3, keep_trace=True)
