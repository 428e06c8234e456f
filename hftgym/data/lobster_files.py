"""Finds the two files of a LOBSTER day from what a user names."""

from __future__ import annotations

from pathlib import Path

from hftgym.errors import NoInputError


def message_file(path: str | Path) -> Path:
    """Return the LOBSTER message file that `path` names; its order book file must be beside it.

    Args:
        path: The message file, the order book file, the common beginning of both names, or a
            folder that holds one pair.

    Raises:
        NoInputError: There is no such pair, or more than one.
    """
    given = Path(path)
    if given.is_file():
        found = [given.with_name(given.name.replace("orderbook", "message"))]
    elif given.is_dir():
        found = sorted(given.glob("*message*.csv"))
    else:
        found = sorted(given.parent.glob(f"{given.name}*message*"))
    pairs = [m for m in found if m.is_file() and orderbook_file(m).is_file()]
    if len(pairs) != 1:
        what = "no LOBSTER pair" if not pairs else f"{len(pairs)} LOBSTER pairs"
        raise NoInputError(
            "HG-N052",
            f"{given}: {what} (..._message_N.csv beside ..._orderbook_N.csv); name a message file",
        )
    return pairs[0]


def orderbook_file(message: Path) -> Path:
    """Return the name of the order book file of a message file."""
    head, _, tail = message.name.rpartition("message")
    return message.with_name(f"{head}orderbook{tail}")
