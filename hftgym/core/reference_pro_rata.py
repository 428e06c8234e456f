"""How the slow twin shares a level among its orders by size."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hftgym.core.reference_types import Member, Order, Rules


def split(queue: Sequence[Order], lots: int, rules: Rules, members: Sequence[Member]) -> list[int]:
    """Return what each visible order of a price gets of an aggressor that takes less than all.

    Args:
        queue: the visible orders, oldest first.
        lots: what the aggressor takes, less than they show together.
        rules: the instrument.
        members: standing of each participant.
    """
    shares = [0] * len(queue)

    def give(j: int, most: int) -> int:
        """Give one order at most so much, and return what it took."""
        taken = min(most, queue[j].shown - shares[j])
        shares[j] += taken
        return taken

    if queue[0].top:
        lots -= give(0, min(rules.top_max_lots, lots))

    quota = {o.owner: lots * members[o.owner].lmm_percent // 100 for o in queue}
    for j, order in enumerate(queue):
        taken = give(j, min(quota[order.owner], lots))
        quota[order.owner] -= taken
        lots -= taken

    lots -= _by_time(give, len(queue), lots * rules.fifo_percent // 100)

    rests = [order.shown - share for order, share in zip(queue, shares, strict=True)]
    volume, to_share = sum(rests), lots
    for j, rest in enumerate(rests):
        share = rest * to_share // volume
        if share >= rules.min_alloc_lots:
            lots -= give(j, share)

    _by_time(give, len(queue), lots)
    return shares


def _by_time(give: Callable[[int, int], int], orders: int, lots: int) -> int:
    """Give lots to the oldest first; return how many were given."""
    given = 0
    for j in range(orders):
        given += give(j, lots - given)
    return given
