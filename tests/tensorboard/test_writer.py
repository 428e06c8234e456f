"""Event files that TensorBoard reads, beside a checked metrics log."""

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.custom_scalar import layout_pb2

from hftgym.errors import DataError
from hftgym.tensorboard.layout import CHARTS, LAYOUT_TAG
from hftgym.tensorboard.writer import MetricsWriter, exact_parts, read_metrics


@pytest.fixture
def written(tmp_path):
    with MetricsWriter(tmp_path / "tb", tmp_path / "metrics.jsonl") as writer:
        writer.layout()
        writer.text("config", "steps: 5")
        writer.scalars({"pnl/total": 1.5, "risk/var95": float("nan")}, 10)
        writer.scalars({"pnl/total": -2.25}, 20)
        writer.scalars({}, 30)
    return tmp_path


def test_scalars_are_read_back_by_tensorboard(written):
    events = EventAccumulator(str(written / "tb")).Reload()
    assert [(e.step, e.value) for e in events.Scalars("pnl/total")] == [(10, 1.5), (20, -2.25)]
    assert events.Tags()["scalars"] == ["pnl/total"]  # NaN stays out


def test_text_and_layout_are_there_once(written):
    events = EventAccumulator(str(written / "tb")).Reload()
    (text,) = events.Tensors("config/text_summary")
    assert text.tensor_proto.string_val[0] == b"steps: 5"
    (tensor,) = events.Tensors(LAYOUT_TAG)
    layout = layout_pb2.Layout.FromString(tensor.tensor_proto.string_val[0])
    assert [c.title for c in layout.category] == list(CHARTS)
    assert layout.category[0].chart[0].multiline.tag[0] == "^pnl/total$"


def test_the_log_holds_every_value(written):
    records = list(read_metrics(written / "metrics.jsonl"))
    assert [r["step"] for r in records] == [10, 20]
    assert records[0]["pnl/total"] == 1.5 and records[0]["risk/var95"] is None


def test_a_torn_last_line_is_dropped_and_a_damaged_one_found(written):
    path = written / "metrics.jsonl"
    whole = path.read_text()
    path.write_text(whole[:-5])
    assert [r["step"] for r in read_metrics(path)] == [10]
    path.write_text(whole.replace("1.5", "1.6"))
    with pytest.raises(DataError, match=r"metrics\.jsonl:1: damaged line"):
        list(read_metrics(path))


def test_closing_twice_is_fine(tmp_path):
    writer = MetricsWriter(tmp_path)
    writer.close()
    writer.close()


def test_parts_add_up_also_in_32_bits():
    generator = np.random.default_rng(0)
    for _ in range(2000):
        values = generator.normal(size=3) * 10.0 ** generator.uniform(-6, 8, size=3)
        parts, total = exact_parts(dict(zip("abc", values.tolist(), strict=True)))
        a, b, c = (np.float32(parts[k]) for k in "abc")
        assert [float(a), float(b), float(c)] == list(parts.values())
        assert float(np.float32(total)) == total
        for order in ((a, b, c), (c, a, b), (b, c, a)):
            assert np.float32(np.float32(order[0] + order[1]) + order[2]) == np.float32(total)
        largest = np.abs(values).max()
        assert np.abs(np.array(list(parts.values())) - values).max() <= largest * 2**-21
    assert exact_parts({"a": 0.0, "b": 0.0}) == ({"a": 0.0, "b": 0.0}, 0.0)
