"""The pure core: `decide(asked, state) -> events` and `evolve(state, event) -> state`. Standard library only."""
