"""The environments' benchmark, short: figures belong together and count what happened."""

from __future__ import annotations

import json

import numba
import numpy as np
import pytest

from hftgym.bench import env as bench
from hftgym.bench import env_cases


@pytest.fixture(scope="module")
def result() -> dict:
    lines: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench, "_WARM_STARTS", 1)
        result = bench.bench_env(say=lines.append, seconds=0.2, repeats=2)
    assert lines
    return result


def cases(result: dict) -> dict[str, dict]:
    return {
        k: v
        for k, v in result.items()
        if isinstance(v, dict) and "background_messages_per_step" in v
    }


def test_it_measures_one_and_many_on_one_and_on_all_threads(result: dict) -> None:
    threads = numba.get_num_threads()
    counts = {"1_thread"} | ({f"{threads}_threads"} if threads > 1 else set())
    expected = {f"vector_{n}_{m}" for n in counts for m in (1, 10, 100)}
    expected |= {f"single_{m}" for m in (1, 10, 100)} | {"single_steady_1"}
    expected |= {f"batch_{n}_learners_100" for n in (2, 10, 20)} | {"parallel_3_learners_10"}
    assert set(cases(result)) == expected
    assert result["vector_1_thread_10"]["environments"] == 256
    assert result["environment"]["learners"] == 1
    assert result["environment"]["observation"] == "float32 (30,)"
    assert min(result["environment"]["learner_latency_ns"].values()) > 0
    assert json.loads(json.dumps(result)) == result


def test_figures_belong_together(result: dict) -> None:
    for name, case in cases(result).items():
        low, high = case["steps_per_s_range"]
        assert 0 < low <= case["steps_per_s"] <= high, name
        per_step = case["background_messages_per_step"] + case["learner_messages_per_step"]
        by_rate = case["messages_per_s"] / case["steps_per_s"]
        assert by_rate == pytest.approx(per_step, rel=0.5), name
        assert case["wakes_per_s"] > case["steps_per_s"], name  # the learners' own, at least
        assert case["per_yardstick"] == pytest.approx(
            case["steps_per_s"] / result["yardstick"]["steps_per_s"], abs=0.001
        )
    assert result["warm_start_s"] > 0


def test_steps_hold_as_many_messages_as_they_say(result: dict) -> None:
    for name, case in cases(result).items():
        messages = int(name.rpartition("_")[2])
        assert 0.5 * messages < case["background_messages_per_step"] < 2.0 * messages, name
    steady, random = result["single_steady_1"], result["single_1"]
    assert steady["learner_messages_per_step"] < 0.3 < random["learner_messages_per_step"]


def test_the_number_of_threads_is_given_back(result: dict) -> None:
    assert numba.get_num_threads() == numba.config.NUMBA_NUM_THREADS


def test_counting_agrees_with_the_account(result: dict) -> None:
    case = next(iter(env_cases._single(np.random.default_rng(0))))
    case.run(0.001, seed=3)  # within one episode
    learner = case.setting.blueprint.learners[0]
    sent = case.env.unwrapped.market["part"][learner]["account"]["messages"]
    assert case.counted[0][3] == sent > 0
    assert case.counted[0][0] >= case.counted[0][3]
    assert np.all(case.counted[0] > 0)
