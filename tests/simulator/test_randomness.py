"""The small generator: the published sequence, the right spread, a stream of its own for each seed."""

from __future__ import annotations

import statistics

from interlock.simulator.randomness import SmallDraws


def test_it_is_splitmix64() -> None:
    draws = SmallDraws("any")
    draws._state = 0
    assert [draws.getrandbits(64) for _ in range(3)] == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]


def test_a_seed_is_a_stream() -> None:
    def drawn(seed: str) -> list[float]:
        draws = SmallDraws(seed)
        return [draws.random() for _ in range(50)]

    assert drawn("7:CP01") == drawn("7:CP01")
    assert not set(drawn("7:CP01")) & set(drawn("7:CP02"))


def test_draws_are_spread_as_they_say() -> None:
    draws = SmallDraws(1)
    count = 20_000
    uniform = [draws.uniform(2.0, 4.0) for _ in range(count)]
    assert all(2.0 <= one < 4.0 for one in uniform)
    assert abs(statistics.mean(uniform) - 3.0) < 0.02
    assert abs(statistics.mean(draws.expovariate(0.5) for _ in range(count)) - 2.0) < 0.06
    for low, high in ((0, 3), (5, 9)):
        counts = [0] * (high - low)
        for _ in range(count):
            counts[draws.randrange(low, high) - low] += 1
        assert max(counts) - min(counts) < 0.05 * count
    assert {draws.choice("abc") for _ in range(100)} == set("abc")
    assert all(0 <= draws.getrandbits(5) < 32 for _ in range(100))
