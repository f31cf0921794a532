"""How old the newest row is that a query sees."""

from __future__ import annotations

from nascar.stream.client import Client, is_plain
from nascar.stream.clock import iso_utc


async def newest_row_us(client: Client, table: str, since_us: int, *, timeout_s: float = 60.0) -> int | None:
    """Instant of the newest row of `table` that a query sees, µs since 1970; None if there is none since
    `since_us`. Older rows are not looked for, and where to look stands in the question as a plain instant, which
    every server can tell its files by: it costs little.

    Raises `ServerError` where there is no answer.
    """
    plain = is_plain(client.database)
    source, database = (f"{client.database}.{table}", None) if plain else (table, client.database)
    sql = f"SELECT epoch_us(MAX(time)) FROM {source} WHERE time >= '{iso_utc(since_us)}'"
    answer = await client.query(sql, database=database, timeout_s=timeout_s)
    newest = answer.rows[0][0] if answer.rows else None
    return None if newest is None else int(newest)
