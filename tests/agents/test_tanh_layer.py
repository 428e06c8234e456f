"""The layer of tanh units against torch's own."""

import pytest

torch = pytest.importorskip("torch")

from agents.tanh_layer import TanhLayer  # noqa: E402
from hftgym.core.jit import INTERPRETED  # noqa: E402


def _layer(inputs: int, outputs: int) -> TanhLayer:
    torch.manual_seed(0)
    return TanhLayer(inputs, outputs)


def test_its_units_are_tanh() -> None:
    layer = _layer(1, 1)
    with torch.no_grad():
        layer.weight.fill_(1.0)
        layer.bias.fill_(0.25)
        x = torch.linspace(-30.0, 30.0, 100_001)[:, None]
        found = layer(x).double()
    assert (found - torch.tanh(x + 0.25).double()).abs().max() < 6e-7
    assert found.abs().max() <= 1.0
    small = torch.tensor([[1e-6 - 0.25]])
    with torch.no_grad():
        assert float(layer(small)) == pytest.approx(float(small + 0.25), rel=1e-6)


def test_its_gradients_are_those_of_torch() -> None:
    layer = _layer(30, 64)
    x = torch.randn(5_000, 30, requires_grad=True)
    weights = torch.randn(5_000, 64)
    (layer(x) * weights).sum().backward()
    found = [x.grad, layer.weight.grad, layer.bias.grad]
    y = x.detach().double().requires_grad_()
    w, b = (p.detach().double().requires_grad_() for p in (layer.weight, layer.bias))
    (torch.tanh(torch.nn.functional.linear(y, w, b)) * weights).sum().backward()
    for mine, theirs in zip(found, (y.grad, w.grad, b.grad), strict=True):
        assert (mine - theirs).abs().max() < 2e-5 * theirs.abs().max()


def test_the_gradient_of_an_input_is_the_callers_own() -> None:
    layer = _layer(2, 3)
    x = torch.randn(4, 2, requires_grad=True)
    layer(x).sum().backward()
    kept = x.grad.clone()
    other = torch.randn(4, 2, requires_grad=True)
    layer(other).sum().backward()
    assert torch.equal(x.grad, kept)
    assert not torch.equal(other.grad, kept)


def test_what_is_not_a_number_stays_so() -> None:
    layer = _layer(2, 3)
    with torch.no_grad():
        assert layer(torch.tensor([[float("nan"), 0.0]])).isnan().all()
        ends = layer(torch.tensor([[float("inf"), 0.0]])).abs()
        assert (ends > 0.999999).all() and (ends <= 1.0).all()


@pytest.mark.skipif(INTERPRETED, reason="torch's own layer keeps what it needs")
def test_a_pass_through_overwritten_units_is_an_error_and_no_wrong_gradient() -> None:
    layer = _layer(2, 3)
    first = layer(torch.randn(4, 2))
    layer(torch.randn(4, 2))
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        first.sum().backward()


def test_double_precision_is_left_to_torch() -> None:
    layer = _layer(2, 3).double()
    x = torch.randn(4, 2, dtype=torch.float64)
    with torch.no_grad():
        theirs = torch.tanh(torch.nn.functional.linear(x, layer.weight, layer.bias))
        assert torch.equal(layer(x), theirs)
