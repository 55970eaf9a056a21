"""How a report is answered, and the words a node provides for it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reply:
    """How a report is answered: a `status` word, for a transaction its `transaction_id`, for a token its `parent`."""

    status: str = "Accepted"
    transaction_id: str | None = None
    parent: str | None = None


TAKEN = Reply()
"""How most reports are answered: with an acknowledgement only."""


@dataclass(frozen=True, slots=True)
class Given:
    """What the node answers with: the word for a boot, that for the report's token, and an id for a new transaction."""

    registration: str
    authorization: str
    new_transaction_id: str
