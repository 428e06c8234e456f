"""The table: whole figures, also where the output is no terminal."""

import io

import numpy as np
from rich.console import Console

from agents.do_nothing import DoNothing
from agents.random_policy import RandomPolicy
from hftgym.training.compare import compare
from hftgym.training.evaluate import Contender, EvaluationResult, evaluate_policies
from hftgym.training.report import print_result
from hftgym.training.seeds import market_seeds
from tests.fake_market import FakeMarket


def result():
    venv = FakeMarket(8)
    task = venv.task_info
    entries = evaluate_policies(
        [
            Contender("PPO", [RandomPolicy(task), DoNothing(task)], "learner"),
            Contender("do-nothing", [DoNothing(task)]),
        ],
        venv,
        market_seeds("test", 12),
    )
    return EvaluationResult(compare(entries, np.random.default_rng(0), resamples=200))


def test_every_figure_is_printed_whole():
    found = result()
    stream = io.StringIO()
    print_result(found, Console(file=stream, width=60))
    text = stream.getvalue()
    row = found.comparison.row("do-nothing")
    difference = row.paired.difference
    assert "…" not in text
    assert f"{difference.mean:+.1f} [{difference.low:+.1f}, {difference.high:+.1f}]" in text
    assert "12 test markets, 2 training seed(s)" in text
    assert "crossed bootstrap over 2 training seeds and the markets" in text
    assert "J by seed: " in text
