"""Domain randomisation: what is drawn at a reset, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hftgym.errors import UsageError
from hftgym.participants.base import resolve
from tests.envs.making import actions, fields, single, vector

RATE = "noise_taker.rate_per_s"
SIGMA = "value.sigma_tick_per_sqrt_s"
WANTED = {RATE: (0.2, 2.0), SIGMA: (0.3, 1.5)}


def params(market: Any, env: Any, kind: str) -> Any:
    p = env.setting.blueprint.kinds.index(kind)
    dtype = resolve(kind).params_dtype
    return market["part"][p]["params"][: dtype.itemsize].view(dtype)[0]


def test_a_reset_draws_between_the_ends() -> None:
    env = vector(200, randomise=WANTED)
    env.reset(seed=1)
    drawn = env.parameters
    assert drawn.shape == (200, 2)
    for j, (low, high) in enumerate(WANTED.values()):
        u = np.sort((drawn[:, j] - low) / (high - low))
        assert 0.0 < u[0] and u[-1] < 1.0
        assert np.abs(u - (np.arange(200) + 0.5) / 200).max() < 1.63 / np.sqrt(200)  # KS, 1 %
    assert abs(np.corrcoef(drawn.T)[0, 1]) < 0.25
    for i in (0, 7, 199):
        assert params(env.markets[i], env, "noise_taker")["rate_per_s"] == drawn[i, 0]
        grid_s = float(env.markets[i]["value"]["grid_ns"]) / 1e9
        sigma = float(env.markets[i]["value"]["sigma_grid"]) / np.sqrt(grid_s)
        assert sigma == pytest.approx(drawn[i, 1])
    env.reset()
    assert not np.isin(env.parameters, drawn).any()


def test_it_is_a_function_of_the_market_seed() -> None:
    batch, one = vector(3, randomise=WANTED, horizon_s=5.0), single(randomise=WANTED, horizon_s=5.0)
    obs, _ = batch.reset(seed=4)
    played = actions(1, 25, 3)
    for i in range(3):
        first, info = one.reset(seed=4 + i)
        if i == 1:
            np.testing.assert_array_equal(first, obs[i])
            assert list(info["parameters"].values()) == batch.parameters[i].tolist()
            assert one.parameters == info["parameters"]
            for a in played:  # through the end of an episode, into the next draw
                obs, rewards, *_ = batch.step(a)
                first, reward, over, *_ = one.step(a[i])
                assert reward == rewards[i]
                if over:
                    first, _ = one.reset()
                    assert list(one.parameters.values()) == batch.parameters[i].tolist()
                np.testing.assert_array_equal(first, obs[i])


def test_only_the_parameter_changes() -> None:
    low, high = (single(randomise={SIGMA: ends}) for ends in ((0.5, 0.6), (1.5, 1.6)))
    plain = single()
    for env in (low, high, plain):
        env.reset(seed=9)
    a, b, c = (env.market.copy() for env in (low, high, plain))
    assert a["value"]["sigma_grid"] < c["value"]["sigma_grid"] < b["value"]["sigma_grid"]
    a["value"]["sigma_grid"] = b["value"]["sigma_grid"] = c["value"]["sigma_grid"]
    # The step of the value that the beginning falls into has been drawn with it already.
    newest = int(c["value"]["k"]) % len(c["value"]["ring"])
    for market in (a, b):
        assert int(market["value"]["k"]) == int(c["value"]["k"])
        market["value"]["ring"][newest] = c["value"]["ring"][newest]
    np.testing.assert_equal(fields(a), fields(b))
    np.testing.assert_equal(fields(a), fields(c))


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        ({RATE: (1.0,)}, "must be two numbers"),
        ({"noise_taker.rate": (1.0, 2.0)}, "no such number"),
        ({"nobody.rate_per_s": (1.0, 2.0)}, "one of noise_taker"),
        ({RATE: (1.0, 1.0)}, "make the same market"),
        ({RATE: (-1.0, 1.0)}, "greater than"),
        ({"burn_in_s": (1.0, 2.0)}, "make the same market"),
    ],
)
def test_what_can_not_be_drawn_is_refused(wanted: Any, text: str) -> None:
    with pytest.raises(UsageError, match=text):
        single(randomise=wanted)
