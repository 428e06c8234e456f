"""The passivity alarm."""

import logging

import numpy as np

from hftgym.training.passivity import PassivityLimits, PassivityMonitor, withdraw_rate


def test_alarm_after_patience_and_off_when_trading_resumes(caplog):
    monitor = PassivityMonitor(PassivityLimits(patience=2))
    with caplog.at_level(logging.WARNING):
        assert not monitor.update(withdraw_rate=0.1, fills=40.0, quoting_share=0.9, step=1)
        assert not monitor.update(withdraw_rate=0.99, step=2)
        assert monitor.update(withdraw_rate=0.99, step=3)
        assert monitor.update(withdraw_rate=0.99, step=4)
        assert not monitor.update(withdraw_rate=0.2, fills=30.0, quoting_share=0.8, step=5)
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 2
    assert "stopped trading at step 3" in lines[0] and "99.0% of decisions" in lines[0]
    assert "trades again at step 5" in lines[1]


def test_each_sign_is_enough():
    for signs in (
        {"withdraw_rate": 1.0},
        {"withdraw_rate": 0.0, "fills": 0.3},
        {"withdraw_rate": 0.0, "quoting_share": 0.01},
    ):
        assert PassivityMonitor(PassivityLimits(patience=1)).update(**signs)


def test_a_single_quiet_rollout_is_no_alarm():
    monitor = PassivityMonitor()
    for rate in (0.99, 0.5, 0.99, 0.5):
        assert not monitor.update(withdraw_rate=rate)


def test_withdraw_rate_counts_both_sides_withdrawn():
    actions = np.array([[[1.0, 1.3], [0.98, 0.2]], [[-1.0, 1.0], [0.99, 0.98]]])
    assert withdraw_rate(actions) == 0.5
    assert withdraw_rate(np.empty((0, 2))) == 0.0
    sized = np.concatenate([actions, np.full((2, 2, 2), -1.0)], axis=-1)
    assert withdraw_rate(sized) == 0.5
    assert withdraw_rate(np.array([[0, 0], [0, 3], [1, 0], [0, 0]]), choices=True) == 0.5
    assert withdraw_rate(np.zeros((4, 5)), choices=True) == 0.0
