"""Who trades: one file a kind, each with ``Params`` and one compiled ``decide``."""
