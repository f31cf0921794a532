"""A race to measure."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nascar.cli.pipeline import Pipeline
from nascar.cli.race_format import packaged_race


@pytest.fixture
def pipeline() -> Callable[[], Pipeline]:
    """Makes the rows of eight cars at 96,000 a second, the same each time."""

    def make() -> Pipeline:
        return Pipeline(packaged_race(8), rate=96_000, batch_size=2_000, seed=7)

    return make
