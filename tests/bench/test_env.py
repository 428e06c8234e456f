"""The environments' benchmark, short: figures belong together and count what happened."""

from __future__ import annotations

import json

import numba
import numpy as np
import pytest

from hftgym.bench import env as bench


@pytest.fixture(scope="module")
def result() -> dict:
    lines: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench, "_WARM_STARTS", 1)
        result = bench.bench_env(say=lines.append, seconds=0.2, repeats=2)
    assert lines
    return result


def cases(result: dict) -> dict[str, dict]:
    return {k: v for k, v in result.items() if k.startswith(("single", "vector"))}


def test_it_measures_one_and_many_on_one_and_on_all_threads(result: dict) -> None:
    threads = numba.get_num_threads()
    batches = {"vector_1_thread"} | ({f"vector_{threads}_threads"} if threads > 1 else set())
    assert set(cases(result)) == {"single", "single_steady"} | batches
    assert result["vector_1_thread"]["environments"] == 256
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
        assert case["wakes_per_s"] > case["steps_per_s"], name  # the learner's own, at least
        assert case["per_yardstick"] == pytest.approx(
            case["steps_per_s"] / result["yardstick"]["steps_per_s"], abs=0.001
        )
    assert result["warm_start_s"] > 0


def test_steps_hold_as_many_messages_as_they_say(result: dict) -> None:
    assert 0.5 < result["single"]["background_messages_per_step"] < 2.0
    assert 5.0 < result["vector_1_thread"]["background_messages_per_step"] < 20.0
    steady, random = result["single_steady"], result["single"]
    assert steady["learner_messages_per_step"] < 0.3 < random["learner_messages_per_step"]


def test_the_number_of_threads_is_given_back(result: dict) -> None:
    assert numba.get_num_threads() == numba.config.NUMBA_NUM_THREADS


def test_counting_agrees_with_the_account(result: dict) -> None:
    case = bench._cases(1)[0]
    case.run(0.001, seed=3)  # within one episode
    sent = case.env.unwrapped.market["part"][case.learner]["account"]["messages"]
    assert case.counted[0][3] == sent > 0
    assert case.counted[0][0] >= case.counted[0][3]
    assert np.all(case.counted[0] > 0)
