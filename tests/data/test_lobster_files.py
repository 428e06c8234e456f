"""LOBSTER pairs are found by any of their names."""

from __future__ import annotations

from pathlib import Path

import pytest

from hftgym.data.lobster_files import message_file
from hftgym.errors import NoInputError


def test_a_lobster_pair_is_found_by_any_of_its_names(tmp_path: Path) -> None:
    message = tmp_path / "X_message_5.csv"
    book = tmp_path / "X_orderbook_5.csv"
    with pytest.raises(NoInputError, match="no LOBSTER pair"):
        message_file(tmp_path)
    message.touch()
    with pytest.raises(NoInputError, match="no LOBSTER pair"):
        message_file(message)
    book.touch()
    for name in (message, book, tmp_path, tmp_path / "X"):
        assert message_file(name) == message
    (tmp_path / "Y_message_1.csv").touch()
    (tmp_path / "Y_orderbook_1.csv").touch()
    with pytest.raises(NoInputError, match="2 LOBSTER pairs"):
        message_file(tmp_path)
