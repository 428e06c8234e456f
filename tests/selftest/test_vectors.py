"""Files of vectors: the published ones hold, a wrong answer is found, a bad file is refused."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hftgym.core.reference import Member, Rules
from hftgym.errors import DataError, HftgymError, NoInputError
from hftgym.selftest.desk import Engine, open_venue
from hftgym.selftest.report import first_difference
from hftgym.selftest.vector_file import KINDS, read_vectors
from hftgym.selftest.vector_orders import Cancel
from hftgym.selftest.vectors import judge, run_vectors

BOOK = [["a", "S", 101, 5], ["b", "S", 102, 7, "peak=3"], ["c", "B", 99, 4]]
VECTORS: list[dict[str, Any]] = [
    {
        "id": "fifo",
        "kind": "fifo",
        "remark": "keys beside these four are remarks",
        "input": {
            "book": BOOK,
            "actions": [
                ["add", 1, "B", 102, 6, "IOC"],
                ["add", 2, "B", 103, 1, "POST_ONLY"],
                ["add", 3, "B", 98, 9, "DAY", {"own": "us"}],
                ["add", 4, "S", 98, 9, {"own": "us", "stp": "EXPIRE_BOTH"}],
                ["replace", "b", None, 4],
                ["reduce", "b", 1],
                ["stop", 5, "S", 100, 2, 97],
                ["stop", 6, "B", 104, 2],
                ["cancel", 6],
                ["add", 7, "S", None, 1],
            ],
        },
        "expected": {
            "trades": [["a", 1, 101, 5], ["b", 1, 102, 1], ["c", 4, 99, 4]],
            "bids": [],
            "asks": [[97, 2, 1], [102, 2, 1]],
            "results": [
                "FILLED",
                "POST_ONLY_CROSS",
                "REST",
                "EXPIRED_IN_MATCH",
                "REST",
                "REST",
                "REST",
                "REST",
                "CANCELLED",
                "CANCEL_REM",
            ],
        },
    },
    {
        "id": "in words",
        "kind": "queue",
        "input": {
            "book": [[1, "B", 10, 5], [2, "B", 10, 5], ["x", "B", 10, 5]],
            "action": "replace 1 px 11; replace 1 px 10 qty 3; cancel 2; new y qty 4",
        },
        "expected": [["x", 5], [1, 3], ["y", 4]],
    },
    {
        "id": "from the book before",
        "kind": "queue",
        "input": {"action": "new 3 px 10 qty 2"},
        "expected": [[1, 5], [2, 5], ["x", 5], [3, 2]],
    },
    {
        "id": "iceberg",
        "kind": "iceberg",
        "input": {"book": BOOK, "action": ["d", "B", 102, 11]},
        "expected": {
            "first3": [["a", 101, 5], ["b", 102, 3], ["b", 102, 3]],
            "totals": {"a": 5, "b": 6},
            "rest_b": {"visible": 1, "hidden": 0},
        },
    },
    {
        "id": "prorata",
        "kind": "prorata",
        "input": {"resting": [10, 30, 60], "aggressor": 50, "top": 0, "top_max": 4, "split": 50},
        "expected": [10, 22, 18],
    },
    {
        "id": "auction",
        "kind": "auction",
        "input": {"orders": [["B", 5, None], ["S", 8, 100]], "ref": 104, "collar": 2.5, "tick": 2},
        "expected": [102, 5, -3],
    },
    {
        "id": "a model named in the input",
        "kind": "queue_model",
        "input": {"front": 40, "events": [["depth", 100, 90]], "model": "power2", "n": 1},
        "expected": 36,
    },
]


@pytest.fixture(params=list(Engine))
def engine(request: pytest.FixtureRequest) -> Engine:
    return Engine(request.param)


@pytest.fixture
def published(shared_data: Path) -> Path:
    path = shared_data.parent / "vectors" / "exchange_vectors.json"
    if not path.is_file():
        pytest.skip(f"needs the published vectors: no file {path}")
    return path


def write(folder: Path, vectors: Any) -> Path:
    path = folder / "vectors.json"
    path.write_text(json.dumps({"vectors": vectors}))
    return path


def test_the_published_vectors_hold(published: Path, engine: Engine) -> None:
    report = run_vectors(published, engine)
    assert str(report) == "77 passed, 0 failed"
    assert dict(report.passed) == {
        "fifo": 36,
        "auction": 20,
        "prorata": 10,
        "queue_model": 7,
        "queue": 3,
        "iceberg": 1,
    }


def test_the_vectors_of_this_page_hold(tmp_path: Path, engine: Engine) -> None:
    report = run_vectors(write(tmp_path, VECTORS), engine)
    assert (report.failures, report.count) == ((), len(VECTORS))
    assert {vector["kind"] for vector in VECTORS} == set(KINDS)


def wrong(value: Any) -> Iterator[Any]:
    """Yield the value with one thing in it changed, for each thing."""
    if isinstance(value, list):
        for k, inner in enumerate(value):
            yield from ([*value[:k], other, *value[k + 1 :]] for other in wrong(inner))
            yield [*value[:k], *value[k + 1 :]]
        yield [*value, value[-1] if value else [1, 2, 3]]
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from ({**value, key: other} for other in wrong(inner))
    elif isinstance(value, str):
        yield value + "x"
    elif value is None:
        yield [1, 2, 3]
    else:
        yield value + 1


def test_every_wrong_answer_is_found(published: Path, tmp_path: Path) -> None:
    """Change every number and name that is expected: the vector that held must fail."""
    tried = 0
    for vector in [*read_vectors(published), *read_vectors(write(tmp_path, VECTORS))]:
        assert judge(vector, Engine.reference) is None
        for expected in wrong(vector.expected):
            difference = judge(replace(vector, expected=expected), Engine.reference)
            assert difference is not None, (vector.id, expected)
            assert difference.expected != difference.got
            tried += 1
    assert tried > 1000


def test_a_failure_names_the_first_difference(tmp_path: Path) -> None:
    vectors = copy.deepcopy(VECTORS[:1])
    vectors[0]["expected"]["trades"][1][3] = 2
    vectors[0]["expected"]["asks"] = []
    report = run_vectors(write(tmp_path, vectors), "reference")
    assert str(report).splitlines() == [
        'FAILED fifo: trades[1]: expected ["b", 1, 102, 2], got ["b", 1, 102, 1]',
        "0 passed, 1 failed",
    ]
    assert report.to_dict()["failures"] == [
        {
            "id": "fifo",
            "what": "trades[1]",
            "expected": '["b", 1, 102, 2]',
            "got": '["b", 1, 102, 1]',
        }
    ]


def test_an_order_of_the_book_that_is_refused_fails_the_vector(tmp_path: Path) -> None:
    vectors = copy.deepcopy(VECTORS[:1])
    vectors[0]["input"]["book"].append(["a", "S", 103, 5])
    report = run_vectors(write(tmp_path, vectors), "reference")
    assert str(report.failures[0]) == ('fifo: refused[0]: expected nothing, got "a: DUPLICATE_ID"')


@pytest.mark.parametrize(
    ("expected", "got", "found"),
    [
        ([1, 2], (1, 2), None),
        ([1, 2], [1, 3], ("x[1]", "2", "3")),
        ([1], [1, 3], ("x[1]", "nothing", "3")),
        ([[1, 2], [3, 4]], [[1, 2], [3, 5]], ("x[1]", "[3, 4]", "[3, 5]")),
        ([[1, 2], [3, 4]], [[1, 2]], ("x[1]", "[3, 4]", "nothing")),
        ({"a": 1}, {"a": 1}, None),
        ({"a": 1}, {"b": 1}, ("x.a", "1", "nothing")),
        ({"a": 1}, {"a": 1, "b": 2}, ("x.b", "nothing", "2")),
        (1.0, 1.0 + 1e-12, None),
        (1.0, 1.0 + 1e-6, ("x", "1.0", "1.000001")),
        (None, [1], ("x", "null", "[1]")),
        ("1", 1, ("x", '"1"', "1")),
        (1, True, ("x", "1", "true")),
    ],
)
def test_where_values_differ_first(expected: Any, got: Any, found: Any) -> None:
    assert first_difference("x", expected, got) == found


# ------------------------------------------------------------------ bad files
def change(k: int, *keys: Any, to: Any) -> list[dict[str, Any]]:
    """Return the vectors with one value changed."""
    vectors: Any = copy.deepcopy(VECTORS)
    place = vectors[k]
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = to
    return vectors


@pytest.mark.parametrize(
    ("vectors", "said"),
    [
        ([], ": vectors: [] is not a list of 1 or more values"),
        ({}, ": vectors: {} is not a list [...]"),
        ([3], ": vectors[0]: 3 is not an object {...}"),
        (change(0, "kind", to="fif"), "[0] 'fifo': unknown kind 'fif'; known are fifo, queue, "),
        (change(0, "id", to=""), '[0].id: "" is not a text'),
        ([{"id": "x", "kind": "fifo"}], "vectors[0] 'x': no key 'input'"),
        (change(0, "input", "boook", to=[]), "unknown key 'boook'; known are actions, book; did"),
        (change(0, "expected", to={}), "'fifo'.expected: nothing is expected"),
        (
            change(0, "expected", "trades", 0, to=[1, 2, 3]),
            "trades[0]: [1, 2, 3] is not a list of 4",
        ),
        (change(0, "expected", "trades", 0, 2, to=1.5), "trades[0][2]: 1.5 is not an integer"),
        (change(0, "expected", "results", 0, to=1), "results[0]: 1 is not a text"),
        (change(0, "input", "book", 0, 1, to="b"), "book[0][1]: side 'b'; it is B or S"),
        (change(0, "input", "book", 0, 0, to=True), "book[0][0]: true is not an integer"),
        (change(0, "input", "book", 0, 2, to="1"), 'book[0][2]: "1" is not an integer'),
        (
            change(0, "input", "book", 0, 3, to=1 << 63),
            "is not an integer from -9223372036854775808",
        ),
        (change(0, "input", "book", 0, 3, to=1 << 60), "too large for exact money"),
        (change(0, "input", "book", 1, 4, to="peek=3"), "unknown option 'peek=3'; known are GTC"),
        (change(0, "input", "book", 1, 4, to="peak=x"), "unknown option 'peak=x'"),
        (change(0, "input", "actions", 0, to=["add", 1]), '["add", 1] is not a list of 5 or more'),
        (change(0, "input", "actions", 0, to=["ad", 1]), "unknown action 'ad'; known are add"),
        (change(0, "input", "actions", 8, to=["cancel", 6, 6]), "is not a list of 2 values"),
        (change(0, "input", "actions", 3, 5, "stp", to="EXPIRE"), "stp: unknown mode 'EXPIRE'"),
        (change(0, "input", "actions", 3, 5, to={"owner": 1}), "unknown key 'owner'"),
        (change(1, "input", "action", to="cancel"), "'cancel' is none of 'cancel ID'"),
        (change(1, "input", "action", to="new 7"), "'new 7' is none of"),
        (change(1, "input", "book", 0, 2, to=None), "a market order has no queue"),
        (VECTORS[2:3], "'from the book before'.input: no key 'book'"),
        (change(3, "expected", "frist", to=1), "unknown key 'frist'; known are firstN"),
        (change(3, "expected", "rest_z", to={}), "unknown key 'rest_z'"),
        (change(3, "expected", "first3", to=[]), "first3: [] is not a list of 3 values"),
        (change(4, "input", "top", to=1), "top: 1: the top order made the price"),
        (change(4, "input", "lmm", to=[1]), "lmm: [1] is not a list of 3 values"),
        (change(4, "input", "lmm", to=[60, 60, 0]), "lmm: 120 % in all"),
        (change(4, "input", "split", to=101), "split: 101 is not an integer from 0 to 100"),
        (change(5, "input", "collar", to=0.001), "not a whole number of basis points"),
        (change(5, "input", "ref", to=None), "collar: a collar needs a last price"),
        (change(5, "input", "tick", to=0), "tick: 0 is not an integer from 1"),
        (change(6, "input", "model", to="powr"), "did you mean 'power'"),
        (change(6, "input", "n", to=None), "model: queue model 'power2' needs an exponent n"),
        (change(6, "input", "events", 0, 0, to="trad"), "unknown event 'trad'"),
        (change(6, "input", "events", 0, 1, to=-1), "events[0][1]: -1 is not a number from 0"),
    ],
)
def test_a_bad_file_is_refused_with_its_place(tmp_path: Path, vectors: Any, said: str) -> None:
    with pytest.raises(DataError) as caught:
        read_vectors(write(tmp_path, vectors))
    assert said in str(caught.value)
    assert "vectors.json" in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", ":1:1: not JSON"),
        (b'{"vectors": [\n{},]}', ":2:4: not JSON"),
        (b'{"vectors": [NaN]}', "NaN is no number of JSON"),
        (b'{"vectors": [], "vectors": []}', "key 'vectors' stands twice"),
        (b'{"note": "\xff"}', ":1: byte 0xff is not UTF-8"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"vectors": ' + b"9" * 10_000 + b"}", "vectors.json"),
        (b"[]", "[] is not an object"),
        (b'{"vector": []}', "no key 'vectors'; did you mean 'vector'?"),
    ],
)
def test_what_is_not_such_json_is_refused(tmp_path: Path, raw: bytes, said: str) -> None:
    path = tmp_path / "vectors.json"
    path.write_bytes(raw)
    with pytest.raises(DataError) as caught:
        read_vectors(path)
    assert said in str(caught.value)
    assert len(str(caught.value)) < 500


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NoInputError, match="can not read the file"):
        read_vectors(tmp_path / "nothing.json")


def test_more_than_the_largest_market_holds_is_refused() -> None:
    actions = [Cancel(k) for k in range(100_000)]
    with pytest.raises(DataError, match="100000 actions in one vector: no market has room"):
        open_venue(Engine.compiled, Rules(), [Member(1)], actions)


JUNK = st.sampled_from(
    [
        *(None, True, 0, -1, 3, 1 << 62, -(1 << 63), 1 << 70, 1.5, 1e300, [], {}, [[]]),
        *("", "B", "x", "IOC", "FOK", "TO_LIMIT", "HIDDEN", "peak=1", "min_lots=2"),
        *(["cancel", 1], {"own": 1}),
    ]
)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield container and key of every value inside."""
    items = enumerate(value) if isinstance(value, list) else value.items()
    for key, inner in items:
        yield value, key
        if isinstance(inner, (list, dict)):
            yield from places(inner)


@given(data=st.data())
def test_a_damaged_file_is_judged_alike_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    vectors = copy.deepcopy(VECTORS)
    for _ in range(data.draw(st.integers(1, 3))):
        where, key = data.draw(st.sampled_from(list(places(vectors))))
        where[key] = copy.deepcopy(data.draw(JUNK))  # what is drawn later may go inside
    path = write(tmp_path_factory.mktemp("damaged"), vectors)
    try:
        report = run_vectors(path, "reference")
    except HftgymError as error:
        assert "vectors.json" in str(error)
    else:
        assert report.count + len(report.failures) == len(vectors)
        assert str(run_vectors(path, "compiled")) == str(report)
