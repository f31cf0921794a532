"""How rows leave: wire format, schedule, client, ledger, measurement."""
