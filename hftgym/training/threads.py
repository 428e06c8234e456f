"""How many threads torch computes with, beside numba in one process."""

from __future__ import annotations


def set_torch_threads(count: int) -> None:
    """Let torch compute with so many threads, and let it stay so.

    numba and torch share one OpenMP runtime: when numba starts its threads, torch, too, has one for
    each core again. On two busy cores the update of a rollout then took 17 times as long. So numba
    starts its threads first.

    Args:
        count: Threads of torch; numba's stay as they are.
    """
    import numba
    import torch

    numba.get_num_threads()  # starts them, if they are not there yet
    torch.set_num_threads(count)
