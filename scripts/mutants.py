"""Faults for ``scripts.mutation``: each changes one line of the engine so that a rule is broken.

By file: (what stands there, what is put in its place, what is wrong then). The first must occur
once in its file; ``tests/test_mutation.py`` keeps this list true. No fault is a change that nobody
could notice (one that costs time alone).
"""

from __future__ import annotations

from typing import NamedTuple


class Mutant(NamedTuple):
    """One planted fault.

    Attributes:
        file: its source, from the root of the repository.
        old: what stands there.
        new: what is put in its place.
        what: what is wrong then.
    """

    file: str
    old: str
    new: str
    what: str

    def __str__(self) -> str:
        """Return file and description."""
        return f"{self.file.rpartition('/')[2]}: {self.what}"


_BOOK = (
    ("m.order_live -= 1", "m.order_live -= 0", "an order that is gone keeps its room"),
    ("m.order_live < m.order_limit", "m.order_live <= m.order_limit", "one order too many"),
    ("return result if result >= s.base else NO_KEY", "return result", "the ring aliases"),
    ("s.far[new].prev = prev", "s.far[new].prev = NONE", "a far level forgets its neighbour"),
    ("first = min(base, s.base + len(s.levels)) - 1", "first = base - 1", "a rise aliases"),
    ("s.far[s.far_head].key >= s.base", "s.far[s.far_head].key > s.base", "a level stays far"),
    ("s, key - n + 1 + n // 4)", "s, key - n)", "the window rises too little"),
    ("!= NONE or s.far_free != NONE", "!= NONE or True", "the far list has no end"),
    ("while tail != NONE and m", "while False and m", "visible orders behind hidden ones"),
    ("level.volume += o.lots", "level.volume = o.lots", "a level's volume is the last order's"),
    ("s.hidden += 1", "s.hidden += 0", "a hidden order sets the touch"),
    ("if behind == NONE:", "if behind != NONE:", "an order to the front leaves a wrong end"),
    ("s, s.side * o.px, -lots)", "s, s.side * o.px, lots)", "a reduced order adds volume"),
    ("prev == NONE and nxt == NONE", "prev == NONE", "a level goes with its first order"),
    ("if emptied and key == s.best:", "if emptied and key > s.best:", "the touch stays"),
    ("_HIDDEN == 0:\n            lots +=", "_HIDDEN:\n            lots +=", "hidden lots ahead"),
    ("while key != NO_KEY and level_", "if key != NO_KEY and level_", "two hidden levels show"),
)

_QUEUE = (
    ("tie_key ^ np.uint64(t_ns)) >>", "tie_key) >>", "one participant wins every race"),
    ("m.event_ns[i ^ 1], m.event_key[i ^ 1]", "m.event_ns[i], m.event_key[i]", "nobody is beaten"),
    ("    while i > 1:", "    while i > 3:", "the first event is not renewed"),
    ("while m.leaves < _CH", "while 2 * m.leaves < _CH", "two participants share a place"),
    ("_RANK_MASK) + 1", "_RANK_MASK)", "a later view comes first"),
    (
        "m, leaf_of(m, p, channel), NEVER_NS, _NO_KEY",
        "m, leaf_of(m, p, channel), 0, _NO_KEY",
        "no end",
    ),
    ("m.messages[following].t_ns != m.messages[j].t_ns", "False", "only the first message arrives"),
    ("m.messages[part.message_tail].next = j", "pass", "messages on their way are lost"),
)

_ORDER_ENTRY = (
    ("order.state = _PENDING_CANCEL", "order.state = _LIVE", "a cancel is not pending"),
    ("order.gen += 1", "order.gen += 0", "answers fit every message"),
    ("max(m.now_ns + latency_ns, part.last_a", "max(m.now_ns, part.last_a", "orders act at once"),
    ("m.next_deferred_ns <= m.now_ns", "False", "a view shows an order that came behind it"),
    ("part.account.messages += 1", "part.account.messages += 0", "messages are not counted"),
)

_RESPONSES = (
    ("max(m.now_ns + part.response_ns, part", "max(m.now_ns, part", "answers are known at once"),
    ("own.position += r.side * r.lots", "own.position -= r.side * r.lots", "own position inverts"),
    ("* unit_value + r.fee", "* unit_value - r.fee", "own cash earns the fee"),
    ("order.filled += r.lots", "order.filled = r.lots", "only the last fill is known"),
    ("_LIVE if order.gen == r.gen else _PENDING_AMEND", "_LIVE", "an amend is not pending"),
    ("_PENDING_AMEND and order.gen == r.gen:", "_PENDING_AMEND:", "an old answer settles"),
    ("if r.slot == NONE:", "if r.slot < NONE:", "a closing trade changes an order"),
    ("m.reports[i].t_ns <= until_ns:", "m.reports[i].t_ns < until_ns:", "news come too late"),
)

_VIEWS = (
    ("if t_ns < until_ns:", "if t_ns <= until_ns:", "a deferred view shows what came before it"),
    (
        "_capture(m, p, _SCHEDULED, t_ns)\n        else",
        "pass\n        else",
        "a view is not captured",
    ),
    ("and part.triggered == 0", "and True", "a deferred view overtakes a triggered one"),
    ("<= m.deferred_span_ns", "<= 1 << 62", "a deferred view forgets the value"),
    ("visible_key(s, s.best)", "s.best", "a view's first price is hidden"),
    ("visible_key(s, next_key(s, key))", "next_key(s, key)", "a view's next price is hidden"),
    ("1 if b.instrument.phase != _CONTINUOUS else 0", "0", "no view is stale"),
    ("t_ns - part.signal_delay_ns)", "t_ns)", "the signal has no delay"),
    ("part.queue_view != 0 and slot <", "slot <", "everybody sees queue positions"),
    ("wake_ns - latency_ns)", "wake_ns)", "a wish ignores the feed"),
    ("max(m.now_ns + latency_ns, part.last_d", "max(m.now_ns, part.last_d", "the feed is instant"),
    ("max(delivery_ns, part.last_response_ns)", "delivery_ns", "a view comes before its fill"),
    ("if part.triggered == 0:", "if part.triggered < 2:", "every event triggers a view"),
    ("if m.part[p].wake_on & flag and", "if m.part[p].wake_on | flag and", "events wake everybody"),
)

_LOOP = (
    ("part.wake_on = out.wake_on", "part.wake_on |= out.wake_on", "wishes to wake pile up"),
    ("m.now_ns + 1))", "m.now_ns + 1_000))", "the next decision comes late"),
    ("count < 0 or count > MAX_OUT)", "count < 0)", "a decision sends too much"),
    ("read_reports(m, p, m.now_ns)", "read_reports(m, p, m.now_ns - 1)", "decides on old news"),
    ("m.part[p].ready = 0", "m.part[p].ready = 1", "a mailbox is never empty again"),
    ("(key) > _TAPE)", "(key) > _ENTRY)", "orders act before history of their instant"),
    ("m.next_deferred_ns < t_ns and", "False and", "deferred views show the future"),
    ("is_due = m.due_ns <= t_ns", "is_due = m.due_ns < t_ns", "an end comes after the rest"),
    ("t_ns > m.await_ns)", "t_ns >= m.await_ns)", "stops inside an instant"),
    ("t_ns > until_ns or", "t_ns >= until_ns or", "stops before its last instant"),
    ("m.now_ns = max(m.now_ns, until_ns)", "m.now_ns += 0", "time stands without events"),
    ("give_message(m, j)", "pass", "messages run out"),
    ("m.wake_mask |= out.wake_on", "m.wake_mask = out.wake_on", "others are not woken"),
)

_TAPE = (
    ("if old != NONE:", "if old < NONE:", "an ordinal that comes again names two orders"),
    ("max(op.lots - taken, 0)", "0", "clamped lots are not counted"),
    (".owner != m.tape.owner:", ".owner != NONE:", "history fills its own as an agent's"),
    ("s.best > key:", "s.best >= key:", "history forgets the order that it names"),
    ("level_head(s, key), named, lots)", "NONE, named, lots)", "agents ahead are not filled"),
    ("tape.missed += lots", "tape.missed += 0", "missed lots are not counted"),
    ("if tape.resilience_ns == 0:", "if tape.resilience_ns >= 0:", "survivors go at once"),
    ("min(op.lots - done, m.orders[named].lots)", "m.orders[named].lots", "all survivors go"),
    (" and r.serial == msg.px:", ":", "another order expires"),
    ("tape.surviving += surplus", "tape.surviving += 0", "survivors are not counted"),
    ("tape.gap_ns[tape.gap_now]", "tape.gap_ns[0]", "no gap to history is seen"),
    ("if op.lots != 0:", "if op.lots > 0:", "history's halts are not followed"),
    ("if front:", "if False:", "what was never seen rests at the back"),
)

_EXCHANGE = (
    ("if flags & (_GTD | _DAY) == _GTD | _DAY:", "if False:", "until a time and for the day"),
    ("(_GTD | _DAY) != 0 and not stop)", "(_GTD | _DAY) != 0)", "no immediate stop for the day"),
    ("(not market or flags & (_IOC", "(flags & (_IOC", "a limit order to the limit"),
    ("(market or flags & _FOK == 0):", "(market):", "a budget without all or nothing"),
    ("_MIN_LOTS and flags & (_FOK | _POST)", "_MIN_LOTS and flags & (_FOK)", "a post-only minimum"),
    ("_FOK | _MIN_LOTS | _TO_LIMIT) != 0", "_FOK | _TO_LIMIT) != 0", "a stop with a minimum"),
    ("px < instrument.px_min or px > instrument.px_max:", "px < instrument.px_min:", "no px_max"),
    (
        "abs(px - b.static_px) > instrument.static_band_px",
        "abs(px - b.static_px) >= instrument.static_band_px",
        "the static band is too narrow",
    ),
    ("px > instrument.px_max or px % instrument.tick_px", "px > instrument.px_max or 0", "no tick"),
    ("// MAX_SLICES >= msg.display_lots", "// MAX_SLICES > msg.display_lots", "a slice too many"),
    ("msg.expire_ns <= m.now_ns", "msg.expire_ns < m.now_ns", "an order that ends now comes"),
    ("if instrument.phase == _HALT or", "if False or", "orders come in a halt"),
    ("_TO_LIMIT | _MIN_LOTS | _POST) != 0", "_TO_LIMIT | _MIN_LOTS) != 0", "post-only in a call"),
    ("msg.min_lots < 1 or msg.min_lots > msg.lots", "msg.min_lots < 1", "a minimum above all"),
    ("return _KILLED if account.killed != 0 else _OK", "return _OK", "the killed go on"),
    ("-side * px > opposite:", "-side * px >= opposite:", "post-only trades at the touch"),
    ("- side * b.instrument.tick_px", "- side", "slides by one px instead of a tick"),
    ("if flags & _SLIDE == 0:", "if flags & _POST_ONLY:", "both kinds of post-only refuse"),
    ("account.rejects += 1", "account.rejects += 0", "rejects are not counted"),
    ("msg.lots if flags & _FOK else msg.min_lots", "msg.lots", "a minimum is all"),
    ("msg.px if flags & _BUDGET else -1", "-1", "a budget has no limit"),
    (
        "own_first + slot].filled = 0",
        "own_first + slot].filled += 0",
        "an id remembers its last order's fills",
    ),
    (" or (asleep and trigger_px != o.px)", "", "a new trigger is not heard"),
    ("lots -= m.slots[", "lots -= 0 * m.slots[", "an amend forgets traded lots"),
    (" and (reason != _PRICE_BAND or msg.px != limit_px):", ":", "a band drives amends out"),
    ("if account.cancel_on_disconnect != 0:", "if True:", "each disconnect cancels"),
    ("b.band_px = b.last_px", "b.band_px += 0", "the dynamic band does not move"),
    ("account.disconnected = 0", "account.disconnected = 1", "nobody comes back"),
    (
        "return limit_amend(m, b, msg, o, limit_px, lots, open_now)",
        "return _OK",
        "amends know no limits",
    ),
    ("limit = reason >> LIMIT_SHIFT", "limit = 0", "the log does not say which limit it was"),
    ("+ msg.slot].order != NONE:", "+ msg.slot].order < NONE:", "one id for two orders"),
    ("if kind == _MARKET or flags & _BUDGET:", "if kind == _MARKET:", "a budget is a price"),
)

_ORDERS = (
    ("].expire_ns > expire_ns:", "].expire_ns >= expire_ns:", "equal ends in reverse"),
    ("min(lots, display_lots) if flags & _ICEBERG else lots", "lots", "icebergs show all"),
    ("and key > s.best", "and key >= s.best", "who joins the touch is on top"),
    ("w.lots -= o.lots", "w.lots -= 0", "market orders that left still wait"),
    ("-(o.lots + reserve_of(m, o))", "-o.lots", "a reserve stays in the open lots"),
    ("lots = o.lots + reserve_of(m, o)", "lots = o.lots", "a cancel hides the reserve"),
    (".limit_px if o.flags & _STOP else o.px", ".limit_px if False else o.px", "stops end wrong"),
    ("o.flags &= 0xFF ^ _TOP", "o.flags &= 0xFF", "each slice is on top"),
    ("if o.prev == NONE and o.next == NONE:", "if True:", "a slice keeps its place"),
    ("r.reserve = lots - shown", "r.reserve = lots", "an iceberg never melts"),
    ("reserved = min(lots, r.reserve)", "reserved = 0", "an iceberg gives what it shows"),
    ("w.lots += lots", "w.lots += 1", "the lots that wait are miscounted"),
    ("if r.flags & _GTD:", "if False:", "who left ends again"),
    ("if m.books[k].stops_left != 0:", "if False:", "stops of the next round sleep on"),
    ("int(Flag.POST_ONLY) | int(Flag.POST_ONLY_SLIDE) |", "0 |", "post-only is forgotten"),
    ("taker_gen, -side, o.px", "taker_gen, side, o.px", "trades have the wrong side"),
)

_LEDGER = (
    ("rate = instrument.maker_fee if is_maker", "rate = instrument.maker_fee if not is_maker",
     "makers pay the takers' fee"),
    ("if traded >= tier.min_lots:", "if traded > tier.min_lots:", "a tier begins late"),
    ("account.maker_lots + account.taker_lots", "account.taker_lots", "tiers forget makers"),
    ("rate = instrument.auction_fee", "rate += 0", "auctions have no fee of their own"),
    ("- (-((value - whole * _MILLION) * rate)) //", "+ ((value - whole * _MILLION) * rate) //",
     "fees round down"),
    ("account.fees += fee", "account.fees = fee", "only the last fee counts"),
    ("account.cash += cash - fee", "account.cash += cash + fee", "fees are earned"),
    ("(b.mid_2px - 2 * px)", "(b.mid_2px - px)", "the edge is off"),
    ("m.fee_account += maker_fee + taker_fee", "m.fee_account += taker_fee", "money is lost"),
    ("if not is_auction:", "if True:", "auctions count for the tiers"),
    ("m.part[p].account.firm == m.part[q].account.firm", "p == q", "each its own firm"),
    ("if same_firm(m, maker, taker):\n        marks |= _SELF  #",
     "if False:\n        marks |= _SELF  #", "self-trades move the last price"),
    (
        "own_first + slot].filled += lots",
        "own_first + slot].filled = lots",
        "an order's last fill is all",
    ),
    ("b.signed_volume += side * lots", "b.signed_volume += lots", "all flow is buying"),
)  # fmt: skip

_LIMITS = (
    ("account.open_buy_lots if side == BUY", "account.open_buy_lots if side != BUY",
     "the limit counts the other side"),
    ("if side * account.position", "if account.position", "long counts for short"),
    ("+ lots > account.position_limit", "+ lots >= account.position_limit", "a lot too few"),
    ("account.open_sell_lots) - old_lots", "account.open_sell_lots)", "an amend counts twice"),
    ("and stays and account", "and account", "immediate orders are open orders"),
    ("account.open_orders >= account", "account.open_orders > account", "one open order too many"),
    ("and (grows or dearer) and", "and grows and", "a dearer price is free"),
    ("dearer = lots > 0 and", "dearer =", "who ends an order is stopped"),
    ("abs(px) > abs(old_px)", "px > old_px", "below zero less is dearer"),
    ("fresh = min(lots, exposure)", "fresh = lots", "what closes a position is worth something"),
    ("mark_2px = abs(b.mid_2px)", "mark_2px = b.mid_2px", "a mark below zero is worth less"),
    ("max(mark_2px, 2 * abs(px))", "mark_2px", "an order is worth the mark only"),
    ("room = 2 * account", "room = account", "half the limit"),
    ("// b.instrument.unit_value", "", "lots times px is money"),
    ("exposure - fresh <= room", "exposure <= room", "an order counts twice"),
    ("if m.now_ns < account", "if m.now_ns <= account", "an order on time is early"),
    (" - account.rate_slack_ns", "", "no bursts"),
    ("max(m.now_ns, account.rate_due_ns)", "account.rate_due_ns", "a pause is saved for later"),
    (" and flags & _BUDGET == 0", "", "a budget is a price"),
    ("if b.instrument.phase != _CONTINUOUS:", "if False:", "market orders that wait are not open"),
    ("int(Flag.TO_LIMIT) | int(Flag.STOP)", "int(Flag.TO_LIMIT)", "sleeping orders are not open"),
    ("has_px = o.flags & _STOP == 0 or", "has_px = True or", "an amend gives a stop a price"),
)  # fmt: skip

_MATCHING = (
    ("asked - 1 if asked > 0 else b.instrument.stp", "b.instrument.stp", "no own self-trade mode"),
    ("> b.instrument.dynamic_band_px", ">= b.instrument.dynamic_band_px", "a narrow band"),
    ("common = min(open_now, lots)", "common = min(o.lots, lots)", "a reserve is spared"),
    ("if mode != _NEWEST:", "if mode == _OLDEST:", "cancel both spares the maker"),
    ("if mode != _OLDEST:", "if mode == _NEWEST:", "cancel both spares the taker"),
    ("min(min(left, pool), account.quota_lots)", "min(left, pool)", "an agreement gives all"),
    ("account.quota_lots -= lots", "account.quota_lots -= 0", "an agreement holds for each order"),
    ("min(min(instrument.top_max_lots, m.orders[head].lots), lots)",
     "min(m.orders[head].lots, lots)", "the top has no maximum"),
    ("    pool = lots - top", "    pool = lots", "the top is shared again"),
    ("(pool - agreed_total) * instrument.fifo", "pool * instrument.fifo", "too much by time"),
    ("sized_total += sized if sized >= instrument.min_alloc_lots else 0", "sized_total += sized",
     "small shares are lost"),
    ("o.next if i != last else NONE", "o.next", "a new slice is shared out too"),
    ("left = shown if shown > 0 else lots", "left = lots", "hidden orders before new slices"),
    ("if banded and _outside_band(b, -side", "if False and _outside_band(b, -side", "no band"),
    ("NO_KEY and s.best >= limit_key:", "NO_KEY and s.best > limit_key:", "limits are strict"),
    ("if mode != _OFF and same_firm(", "if same_firm(", "self-trades are never trades"),
    ("if banded and _outside_band(b, px):", "if False:", "what a band forbids is available"),
    ("stops = own != NONE and mode != _OLDEST", "stops = own != NONE", "own orders block all"),
    ("whole = not stops or m.orders[own].flags & _HIDDEN != 0", "whole = True",
     "reserves behind an own order are available"),
    ("if stops and b.instrument.matching == _PRO_RATA:", "if False:", "shares pass own orders"),
    ("worth <= amount if side > 0", "worth < amount if side > 0", "a budget is short by one"),
    ("o.lots + (reserve_of(m, o) if whole else 0)", "o.lots", "reserves are not available"),
    ("if s.best != key:", "if False:", "an emptied price is shared"),
    ("if b.trades != before:", "if False:", "trades wake nobody"),
)  # fmt: skip

_AUCTION = (
    ("m.orders[i].lots + reserve_of(m, m.orders[i])", "m.orders[i].lots", "calls hide reserves"),
    ("lots = b.waiting[0 if side > 0 else 1].lots", "lots = 0", "market orders weigh nothing"),
    ("key >= side * px:", "key > side * px:", "orders at the price weigh nothing"),
    ("bid_key < ask_px:", "bid_key <= ask_px:", "equal prices do not cross"),
    ("bounds.high = max(bounds.high, reference)", "pass", "the reference is not above"),
    ("bounds.low = min(bounds.low, reference)", "pass", "the reference is not below"),
    ("reference = b.last_px // tick * tick", "reference = b.last_px", "a reference off the tick"),
    ("b.waiting[0 if o.side > 0 else 1].lots -= lots", "pass", "traded market orders still wait"),
    ("if positive <= negative:", "if positive < negative:", "equal surplus is one-sided"),
    ("            px = best_high * tick", "            px = best_low * tick", "sellers win"),
    ("px = min(max(px, lowest), highest)", "px = px + 0", "the collar lets all pass"),
    ("if lowest > highest:", "if False:", "an empty collar does not prolong"),
    ("b.surplus_lots = _surplus(m, b, px)", "b.surplus_lots = -_surplus(m, b, px)", "the surplus"),
    ("(low + high) // 2 // tick * tick", "low", "no middle without a reference"),
    ("2 * (b.last_px - below) < tick", "2 * (b.last_px - below) <= tick", "the lower is nearer"),
    ("// 20_000", "// 10_000", "the collar is too wide"),
    ("-((reach - bid_px) // tick)", "((bid_px - reach) // tick)", "collar tick"),
    ("b.static_px = px", "b.static_px += 0", "an auction leaves the static reference"),
    ("min(buy.lots + reserve_of(m, buy), sell", "min(buy.lots, sell", "reserves trade in slices"),
    ("zero, high, -1) - 1", "zero, high, 0)", "only the lowest balanced price"),
)

_STOPS = (
    (" or b.instrument.phase != _CONTINUOUS", "", "stops wake in a call"),
    ("up_2px = -2 * ask if ask != NO_KEY", "up_2px = 2 * bid if bid != NO_KEY", "wakes on the bid"),
    ("-2 * buys.best <= up_2px", "-2 * buys.best < up_2px", "a buy stop waits for more"),
    ("2 * sells.best >= down_2px", "2 * sells.best > down_2px", "a sell stop waits for more"),
    ("open_lots(m, p, side, lots, 1)", "pass", "sleeping lots are not open"),
)

_PHASES = (
    ("key = visible_key(bids, bids.best)", "key = bids.best", "a hidden bid is the touch"),
    ("b.mid_2px = 2 * b.indicative_px", "b.mid_2px = b.indicative_px", "half a mark in calls"),
    (" and bid_px < ask_px:", ":", "a crossed book has a mid"),
    ("if bid_px >= b.touch_bid_px:", "if bid_px > b.touch_bid_px:", "flow at the bid"),
    ("if ask_px <= b.touch_ask_px:", "if ask_px < b.touch_ask_px:", "flow at the ask"),
    ("+ b.instrument.halt_ns", "+ b.instrument.call_ns", "a halt has a call's length"),
    ("b.next_phase = _VOLATILITY", "b.next_phase = _CONTINUOUS", "no auction after a halt"),
    ("(immediate or b.instrument.band_action == _BAND_CANCEL)", "immediate", "rests at the band"),
    ("(kind == _MARKET and flags & _TO_LIMIT == 0)", "kind == _MARKET", "to the limit, not there"),
    ("judged_2px and b.trades", "judged_2px or b.trades", "without a trade nobody is killed"),
    ("< 2 * account.kill_equity:", "<= 2 * account.kill_equity:", "kills at the line"),
    (
        "equity, position, _KILLED, _LOSS)",
        "equity, 0, _KILLED, _LOSS)",
        "a kill hides the position",
    ),
    ("equity = _equity_2(b, account) // 2", "equity = account.cash", "a kill hides the equity"),
    ("if account.kill_flatten != 0:", "if True:", "every kill closes the position"),
    ("px, abs(position), b", "px, 1, b", "one lot of a position is closed"),
    (" and (side == 0 or m.orders[i].side == side)", "", "cancel all knows no side"),
    ("for again in range(2):", "for again in range(1):", "a kill wakes no stops"),
    ("1 if next_stop(b) != NONE else 0", "0", "a cascade ends after a round"),
    ("b.collar_ask_px = -ask if", "b.collar_ask_px = ask if", "the collar's ask"),
    ("b.extended = 1", "b.extended = 0", "a collar prolongs again and again"),
    ("return is_call(b.instrument.phase) and", "return", "a collar after a halt"),
    (".head, _IOC_REST", ".head, _EXPIRED", "market orders end for a wrong reason"),
    ("for side in range(4):", "for side in range(2):", "stops of the day outlive it"),
    ("(following == _CLOSED and is_call(phase))", "following == _CLOSED", "a close trades"),
    ("if following == _CONTINUOUS or following == _CLOSED:", "if False:", "they wait on"),
    ("account.kill_flatten != 0 and trades", "trades", "closes all"),
    ("if following == _VOLATILITY and b", "if False and b", "an auction after a halt has no end"),
    ("stp_mode(b, flags), kind)", "b.instrument.stp, kind)", "a stop forgets its own mode"),
    ("if not make_room(b.sides[side_index(side)], side * px):", "if False:", "stops without room"),
)

_PHASE_STEPS = (
    ("{Phase.PRE_OPEN, Phase.OPENING_AUCTION}", "set(Phase)", "a halt after the close"),
    ("    Phase.HALT: {", "    Phase.HALT: {Phase.PRE_OPEN} | {", "a halt leads to the pre-open"),
    ("CLOSING_AUCTION: _ALWAYS", "CLOSING_AUCTION: set(Phase)", "trade after the closing auction"),
)

#: In the order of the files that they are in.
MUTANTS = tuple(
    Mutant(f"hftgym/core/{name}.py", *fault)
    for name, faults in (
        ("book", _BOOK),
        ("queue", _QUEUE),
        ("order_entry", _ORDER_ENTRY),
        ("responses", _RESPONSES),
        ("views", _VIEWS),
        ("loop", _LOOP),
        ("tape", _TAPE),
        ("exchange", _EXCHANGE),
        ("orders", _ORDERS),
        ("ledger", _LEDGER),
        ("limits", _LIMITS),
        ("matching", _MATCHING),
        ("auction", _AUCTION),
        ("stops", _STOPS),
        ("phases", _PHASES),
        ("phase_steps", _PHASE_STEPS),
    )
    for fault in faults
)
