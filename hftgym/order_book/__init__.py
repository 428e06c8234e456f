"""A limit order book and nothing else: no participants, no money, no simulation.

It is the exchange of ``docs/rules.md`` with all its order types, at the speed of its compiled code.

>>> from hftgym import OrderBook
>>> book = OrderBook()
>>> ask = book.submit("sell", 10_001, 30)
>>> book.submit("buy", 10_002, 10) > 0
True
>>> book.order(ask).lots, book.last_trades[["px", "lots"]].tolist()
(20, [(10001, 10)])
>>> print(book)
      price  lots  orders
 ask  10001    20       1  ████████████████████████████████████████████████████
 ---------------------------------- no bids -----------------------------------
"""

from hftgym.order_book.book import OrderBook
from hftgym.order_book.values import TRADE, Indication, RestingOrder, Snapshot, Terms

__all__ = ["TRADE", "Indication", "OrderBook", "RestingOrder", "Snapshot", "Terms"]
