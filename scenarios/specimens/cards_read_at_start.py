"""Cards are read when the node starts and never again.

One that is blocked today charges until the next release.
"""

from __future__ import annotations

from interlock.csms.node import Csms
from interlock.scenarios.specimens import Specimen


class CardsReadAtStart(Csms):
    """Keeps the first word it heard of a card."""

    def _registered(self, stored: object) -> None:
        before = dict(self.tokens)
        super()._registered(stored)  # type: ignore[arg-type]
        self.tokens.update(before)

    async def register_token(self, id_token: str, status: str, parent: str | None = None) -> None:
        """Write down how a token is answered; what is answered is what was known first."""
        known = self.tokens.get(id_token)
        await super().register_token(id_token, status, parent)
        if known is not None:
            self.tokens[id_token] = known


SPECIMEN = Specimen(
    name="cards-read-at-start",
    title="answers a card with what was registered of it first",
    csms=CardsReadAtStart,
    caught_by="I37",
    scenario="cards",
)
