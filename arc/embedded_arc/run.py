"""The life of an engine: take the data folder, listen, stop cleanly."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

from aiohttp import web

from embedded_arc.errors import EngineError
from embedded_arc.routes import routes
from embedded_arc.server import READ_BUFFER_BYTES, Engine, application
from embedded_arc.settings import LEAST_TOKEN_CHARACTERS, Settings
from embedded_arc.store import Store, segments_root
from embedded_arc.tokens import Tokens

log = logging.getLogger("embedded_arc")

SHUTDOWN_S: Final = 5.0
"""Requests in flight have this long to end when the engine stops."""


def check_token(token: str) -> None:
    """Refuse to start without a token that Arc would take."""
    if not token:
        raise EngineError(
            f"No token. Set ARC_AUTH_BOOTSTRAP_TOKEN to at least {LEAST_TOKEN_CHARACTERS} characters, for example: "
            "export ARC_AUTH_BOOTSTRAP_TOKEN=$(openssl rand -hex 32)",
            2,
        )
    if len(token) < LEAST_TOKEN_CHARACTERS:
        raise EngineError(
            f"ARC_AUTH_BOOTSTRAP_TOKEN has {len(token)} characters; set one of at least {LEAST_TOKEN_CHARACTERS}.",
            2,
        )
    if not token.isascii() or not token.isprintable() or " " in token:
        raise EngineError(
            "ARC_AUTH_BOOTSTRAP_TOKEN has blanks or characters that no header carries. Set another.", 2
        )


@contextmanager
def data_folder(path: Path) -> Iterator[None]:
    """Make the folder if need be, and keep every other engine out of it."""
    try:
        segments_root(path).mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise EngineError(
            f"The data folder {path} cannot be written ({error.strerror}). Give another with --data-dir.", 2
        ) from None
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise EngineError(
                f"The data folder {path} is in use by another engine. Stop that one, or give another --data-dir."
            ) from None
        yield
    finally:
        os.close(lock)


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[str]:
    """An engine that listens until the block ends; yields its address, such as ``http://127.0.0.1:8000``."""
    check_token(settings.bootstrap_token)
    with data_folder(settings.data_dir):
        tokens = Tokens(settings.data_dir / "tokens.json")
        if not tokens.bootstrap(settings.bootstrap_token):
            log.warning(
                "%s has tokens from an earlier run, so ARC_AUTH_BOOTSTRAP_TOKEN is ignored, as Arc does. Use the "
                "earlier token, or another --data-dir.",
                settings.data_dir,
            )
        store = await asyncio.to_thread(Store, settings)
        try:
            engine = Engine(settings, store, tokens)
        except EngineError:
            await asyncio.to_thread(store.close)
            raise
        # Bodies are told apart by their first bytes, never by Content-Encoding.
        runner = web.AppRunner(
            application(engine, routes()),
            access_log=None,
            auto_decompress=False,
            read_bufsize=READ_BUFFER_BYTES,
            shutdown_timeout=SHUTDOWN_S,
        )
        try:
            await runner.setup()
            site = web.TCPSite(runner, settings.host, settings.port, backlog=1024)
            try:
                await site.start()
            except OSError as error:
                raise EngineError(_cannot_listen(settings, error)) from None
            store.start()
            yield _address(runner, settings.host)
        finally:
            await runner.cleanup()
            engine.questions.close()
            await asyncio.to_thread(store.close)


def _cannot_listen(settings: Settings, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {settings.port} on {settings.host} is taken. Give another with --port; 0 takes any free one."
    return (
        f"Cannot listen on {settings.host}:{settings.port} ({error.strerror}). Give another --host or --port."
    )


def _address(runner: web.AppRunner, host: str) -> str:
    port = runner.addresses[0][1]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def serve(settings: Settings, announce: Callable[[str], None]) -> None:
    """Run until SIGTERM or SIGINT; all rows taken are stored when this returns."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        async with running(settings) as address:
            announce(address)
            await stop.wait()
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            with contextlib.suppress(ValueError):
                loop.remove_signal_handler(number)
