"""Published results, computed again: one file a paper, each with ``rows() -> list[Row]``."""
