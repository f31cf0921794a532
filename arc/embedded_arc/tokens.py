"""Access tokens: who may do what. Kept hashed in one file; a token itself is shown once and never stored."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from embedded_arc.errors import EngineError, Refusal

PERMISSIONS: Final = ("read", "write", "delete", "admin")
DEFAULT_PERMISSIONS: Final = ("read", "write")

_DURATION: Final = re.compile(r"(\d{1,6})([smhdw])")
_UNIT_S: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_NEVER: Final = "0001-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Token:
    """One token, without its secret."""

    id: int
    name: str
    digest: str
    permissions: tuple[str, ...]
    created_at: str
    description: str = ""
    expires_at: str | None = None
    enabled: bool = True

    def may(self, permission: str) -> bool:
        return permission in self.permissions or "admin" in self.permissions

    def public(self) -> dict[str, Any]:
        """As the API shows it."""
        shown: dict[str, Any] = {
            "id": self.id,
            "name": self.name,
            "permissions": list(self.permissions),
            "created_at": self.created_at,
            "last_used_at": _NEVER,
            "expires_at": self.expires_at,
            "enabled": self.enabled,
        }
        if self.description:
            shown["description"] = self.description
        return shown


class Tokens:
    """All tokens of an engine. Every change is on disk before it is answered."""

    def __init__(self, path: Path, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._path = path
        self._now = now
        self._lock = threading.Lock()
        self._tokens: dict[int, Token] = {}
        self._next_id = 1
        if path.exists():
            self._load()

    def _load(self) -> None:
        try:
            kept = json.loads(self._path.read_text())
            for entry in kept["tokens"]:
                entry["permissions"] = tuple(entry["permissions"])
                token = Token(**entry)
                self._tokens[token.id] = token
            self._next_id = int(kept["next_id"])
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise EngineError(
                f"The token file {self._path} cannot be read ({error}). Restore it, or remove it to begin anew with "
                "the bootstrap token."
            ) from None

    def _save(self) -> None:
        kept = {"next_id": self._next_id, "tokens": [asdict(token) for token in self._tokens.values()]}
        fresh = self._path.with_suffix(".new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(kept, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)

    def bootstrap(self, secret: str) -> bool:
        """Make the admin token if there is no token yet; whether `secret` is good for anything."""
        if not self._tokens:
            self._add(
                "admin", secret, PERMISSIONS, "Initial admin token (set via ARC_AUTH_BOOTSTRAP_TOKEN)", None
            )
        return self.find(secret) is not None

    def find(self, secret: str) -> Token | None:
        """The token whose secret this is, if it is enabled and has not expired."""
        digest = _digest(secret)
        for token in self._tokens.values():
            if token.enabled and secrets.compare_digest(token.digest, digest):
                if token.expires_at and datetime.fromisoformat(token.expires_at) <= self._now():
                    return None
                return token
        return None

    def create(self, given: Mapping[str, Any]) -> str:
        """Make a token from a request's fields; its secret, shown this once."""
        name = given.get("name")
        if not isinstance(name, str) or not name:
            raise Refusal(400, "Token name is required")
        permissions = _permissions(given.get("permissions"), DEFAULT_PERMISSIONS)
        expires_at = self._expiry(given.get("expires_in"))
        with self._lock:
            if any(token.name == name for token in self._tokens.values()):
                raise Refusal(500, f"token with name '{name}' already exists")
        secret = secrets.token_urlsafe(32)
        self._add(name, secret, permissions, str(given.get("description") or ""), expires_at)
        return secret

    def _add(
        self, name: str, secret: str, permissions: Sequence[str], description: str, expires_at: str | None
    ) -> None:
        with self._lock:
            token = Token(
                id=self._next_id,
                name=name,
                digest=_digest(secret),
                permissions=tuple(permissions),
                created_at=_spelled(self._now()),
                description=description,
                expires_at=expires_at,
            )
            self._next_id += 1
            self._tokens[token.id] = token
            self._save()

    def _expiry(self, given: object) -> str | None:
        if given in (None, ""):
            return None
        match = _DURATION.fullmatch(given) if isinstance(given, str) else None
        if match is None:
            raise Refusal(400, "Invalid expires_in format. Use duration like '24h' or '7d'")
        return _spelled(self._now() + timedelta(seconds=int(match[1]) * _UNIT_S[match[2]]))

    def listed(self) -> list[Token]:
        return list(self._tokens.values())

    def get(self, token_id: int) -> Token:
        token = self._tokens.get(token_id)
        if token is None:
            raise Refusal(404, "Token not found")
        return token

    def update(self, token_id: int, given: Mapping[str, Any]) -> None:
        """Change name, description, permissions or expiry."""
        token = self.get(token_id)
        changes: dict[str, Any] = {}
        if isinstance(given.get("name"), str) and given["name"]:
            changes["name"] = given["name"]
        if isinstance(given.get("description"), str):
            changes["description"] = given["description"]
        if given.get("permissions") is not None:
            changes["permissions"] = _permissions(given["permissions"], ())
        if given.get("expires_in"):
            changes["expires_at"] = self._expiry(given["expires_in"])
        self._replace(replace(token, **changes))

    def revoke(self, token_id: int) -> None:
        self._replace(replace(self.get(token_id), enabled=False))

    def rotate(self, token_id: int) -> str:
        """Give the token a new secret, shown this once."""
        secret = secrets.token_urlsafe(32)
        self._replace(replace(self.get(token_id), digest=_digest(secret), enabled=True))
        return secret

    def delete(self, token_id: int) -> None:
        self.get(token_id)
        with self._lock:
            del self._tokens[token_id]
            self._save()

    def _replace(self, token: Token) -> None:
        with self._lock:
            self._tokens[token.id] = token
            self._save()


def _permissions(given: object, default: Sequence[str]) -> tuple[str, ...]:
    if given is None:
        return tuple(default)
    if isinstance(given, str):
        given = given.split(",")
    if not isinstance(given, list):
        raise Refusal(400, "Invalid request body: permissions must be a list")
    for permission in given:
        if permission not in PERMISSIONS:
            raise Refusal(
                400, f"Invalid permission: {permission}. Valid permissions are: {', '.join(PERMISSIONS)}"
            )
    return tuple(given)


def _digest(secret: str) -> str:
    """Secrets are long and random, so one round is enough, and the first request is as fast as the next."""
    return hashlib.sha256(secret.encode(errors="surrogateescape")).hexdigest()


def _spelled(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
