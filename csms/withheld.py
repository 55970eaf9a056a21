"""Secrets that a stored command omits: the log holds a reference, and only the process that was told holds the rest."""

from __future__ import annotations

from interlock.csms.domain import commands as do
from interlock.csms.domain.credentials import REFERENCE


class Withheld:
    """The secrets of this process, by the id of the key that a stored command refers to."""

    def __init__(self) -> None:
        self._secrets: dict[str, str] = {}

    def keep(self, key_id: str, secret: str) -> None:
        """Hold a secret until its command is sent or given up."""
        self._secrets[key_id] = secret

    def drop(self, key_id: str) -> None:
        """Forget a secret that is no longer needed."""
        self._secrets.pop(key_id, None)

    def restored(self, command: do.Command) -> do.Command | None:
        """Return a command as it is to be sent, once: None if it refers to a secret that this process does not have."""
        key_id = reference_of(command)
        if key_id is None:
            return command
        secret = self._secrets.pop(key_id, None)
        return None if secret is None else do.SetPassword(secret)


def reference_of(command: do.Command) -> str | None:
    """Return the id of the key that a stored command refers to in the place of its secret."""
    if isinstance(command, do.SetPassword) and command.secret.startswith(REFERENCE):
        return command.secret.removeprefix(REFERENCE)
    return None
