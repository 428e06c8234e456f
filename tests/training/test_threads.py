"""Torch keeps the threads that it was told, also when numba starts its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest.importorskip("torch")

CODE = """
import numba, numpy, torch
from hftgym.training.threads import set_torch_threads
set_torch_threads(1)

@numba.njit(parallel=True)
def fill(x):
    for i in numba.prange(len(x)):
        x[i] = i

before = numba.get_num_threads()
fill(numpy.zeros(100))
assert torch.get_num_threads() == 1, torch.get_num_threads()
assert numba.get_num_threads() == before
print("kept")
"""


def test_numba_does_not_take_the_limit_away() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.strip() == "kept", done.stderr
