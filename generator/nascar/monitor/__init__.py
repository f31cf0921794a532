"""How a run looks second by second, its server included: as rows of a table and as Prometheus text."""
