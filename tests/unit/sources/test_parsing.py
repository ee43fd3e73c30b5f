"""Strict reading: what is no data fails the payload, what cannot be believed is refused alone, the rest loads."""

import contextlib
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.core.dataset import INSTANT, Column
from sources.core.errors import Failure, SourceError
from sources.core.parsing import (
    LONGEST_REJECT,
    from_ms,
    from_s,
    looks_like_html,
    or_null,
    part,
    require,
    require_names,
    strict_csv,
    strict_json,
    strict_text,
    typed,
)
from sources.core.payload import Payload

NOW = datetime(2026, 2, 7, 0, 20, tzinfo=UTC)
COLUMNS = {
    "symbol": Column(pl.String, "", ""),
    "open_time": Column(INSTANT, "UTC", ""),
    "price_usd": Column(pl.Float64, "USD", "", minimum=0.01, maximum=1e9),
    "trades": Column(pl.Int64, "", "", nullable=True, minimum=0),
    "trade_date": Column(pl.Date, "", "", nullable=True),
    "is_final": Column(pl.Boolean, "", "", nullable=True),
}
GOOD = {"symbol": "X", "open_time": datetime(2026, 2, 6, tzinfo=UTC), "price_usd": 70_000.5, "trades": 3}


def payload(body: bytes | str) -> Payload:
    sent = body.encode() if isinstance(body, str) else body
    return Payload("https://api.example.com/data", {}, 200, {}, sent, NOW)


def read(*records: dict[str, object], columns=COLUMNS, **options: object):
    return typed(records, columns, fetched_at=NOW, observed="open_time", **options)


def record(**changes: object) -> dict[str, object]:
    return {"trade_date": None, "is_final": None, **GOOD, **changes}


def reasons(*records: dict[str, object]) -> list[str]:
    return [reject.reason for reject in read(*records).rejects]


# JSON


def failure_of(body: bytes | str) -> Failure:
    with pytest.raises(SourceError) as caught:
        strict_json(payload(body))
    assert "api.example.com" in caught.value.what
    return caught.value.failure


def test_json_is_decoded_with_or_without_a_byte_order_mark():
    assert strict_json(payload('{"a":[1,"é"]}')) == {"a": [1, "é"]}
    assert strict_json(payload(b'\xef\xbb\xbf{"a":1}')) == {"a": 1}
    assert strict_json(payload("[]")) == []


def test_whole_numbers_beyond_double_precision_stay_exact():
    assert strict_json(payload('{"sats": 9007199254740993}')) == {"sats": 2**53 + 1}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"  \r\n",
        '[{"a":1},{"a":2',
        "maintenance",
        '{"a":1}{"a":2}',
        '{"a":1}'.encode("utf-16"),
        b'{"a":"\xff\xfe"}',
        b"\x00\xff\xfe not data",
        "<?xml version='1.0'?><a/>",
        "1,234.5,",
    ],
)
def test_what_is_no_json_is_no_data(body):
    assert failure_of(body) is Failure.NOT_DATA


def test_nesting_beyond_reason_is_an_error_and_no_crash():
    assert failure_of("[" * 100_000) is Failure.NOT_DATA
    assert failure_of('{"a":' * 100_000) is Failure.NOT_DATA


@pytest.mark.parametrize("body", ["null", "{}", " {} "])
def test_nothing_is_no_data(body):
    assert failure_of(body) is Failure.NO_DATA


@pytest.mark.parametrize(
    "body",
    ["<!DOCTYPE html><p>", "\n  <HTML>", b"\xef\xbb\xbf<html>", "<!-- x --><html>", "<head></head>"],
)
def test_web_page_is_a_block(body):
    assert failure_of(body) is Failure.BLOCKED


def test_web_page_may_be_asked_for():
    assert strict_text(payload("<html>é</html>"), html=True) == "<html>é</html>"
    assert not looks_like_html(b"<svg>")


def test_long_run_of_blanks_is_no_trap():
    assert not looks_like_html(b" " * 10_000_000)
    assert not looks_like_html(b"<!--" * 100_000)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
def test_number_that_is_none_refuses_its_record_only(number):
    good = '{"symbol":"X","open_time":"2026-02-06T00:00:00Z","price_usd":1.5,"trades":1}'
    rows = strict_json(payload(f"[{good},{good.replace('1.5', number)}]"))
    parsed = read(*({"trade_date": None, "is_final": None, **row} for row in rows))
    assert parsed.rows.height == 1
    assert [reject.reason.split(":")[0] for reject in parsed.rejects] == ["price_usd"]


@pytest.mark.parametrize("name", ["symbol", "price_usd", "trades"])
def test_name_given_twice_refuses_its_record_only(name):
    twice = '{"symbol":"X","price_usd":1.5,"trades":1,"%s":2}' % name  # noqa: UP031  (braces)
    rows = strict_json(payload(f'[{twice},{{"symbol":"X","price_usd":1.5,"trades":1}}]'))
    parsed = read(*(record(**row) for row in rows))
    assert parsed.rows.height == 1
    assert [reject.reason.split(":")[0] for reject in parsed.rejects] == [name]
    assert "twice" in parsed.rejects[0].reason


def test_name_given_twice_in_the_envelope_fails_the_payload():
    content = strict_json(payload('{"data":[],"data":[]}'))
    with pytest.raises(SourceError) as caught:
        part(content, "data")
    assert caught.value.failure is Failure.CHANGED_LAYOUT


# Parts and names


def test_part_walks_names_and_positions():
    content = {"result": [{"list": [1, 2]}], "code": "0"}
    assert part(content, "result", 0, "list") == [1, 2]
    assert part(content, "code", kind=str) == "0"
    assert part([1]) == [1]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (("result", "rows"), "missing rows; new: list"),
        (("result", "list", 5), "a list of more than 5"),
        (("list",), "missing list; new: result"),
        (("result",), "result is an object"),
        (("result", "list", 0, "x"), "result.list.0 is int"),
    ],
)
def test_part_says_what_is_there_instead(path, said):
    with pytest.raises(SourceError) as caught:
        part({"result": {"list": [1]}}, *path, where="binance")
    assert caught.value.failure is Failure.CHANGED_LAYOUT
    assert said in caught.value.what
    assert "binance" in caught.value.what


def test_require():
    require(True, "fine")
    with pytest.raises(SourceError, match="the sums differ"):
        require(False, "the sums differ")


def test_renamed_name_is_shown_beside_the_missing_one_and_a_new_one_passes():
    require_names(["date", "close", "extra"], ["date", "close"], "x")
    with pytest.raises(SourceError, match="missing openInterest; new: open_interest"):
        require_names(["time", "open_interest"], ["time", "openInterest"], "x")


# CSV


def test_csv_columns_are_found_by_name():
    table = strict_csv(
        payload(b"\xef\xbb\xbfDATE, CLOSE ,EXTRA\r\n2026-02-05, 17.1,x\r\n\r\n"), header=("CLOSE", "DATE")
    )
    assert table.records == [{"DATE": "2026-02-05", "CLOSE": "17.1", "EXTRA": "x"}]
    assert table.rejects == ()


def test_ragged_lines_and_a_repeated_header_are_refused_alone():
    table = strict_csv(payload('a,b\n1,2\n1,2,3\n1\na,b\n"x, y",4\n'), header=("a", "b"))
    assert [row["b"] for row in table.records] == ["2", "4"]
    assert [reject.reason for reject in table.rejects] == [
        "3 cells where the header has 2",
        "1 cells where the header has 2",
        "the header again",
    ]


def test_titles_and_declared_footers_are_left_out():
    body = "Some title\nAnother\ndate;flow\n2026-02-05;-1\nTotal;-1\n"
    table = strict_csv(payload(body), header=("date", "flow"), title_lines=2, footer="^Total", delimiter=";")
    assert table.records == [{"date": "2026-02-05", "flow": "-1"}]


@pytest.mark.parametrize(
    ("body", "failure"),
    [
        ('a,b\n1,"2\n3,4\n', Failure.NOT_DATA),
        ('a,b\n1,"2\n' + "3,4\n" * 50_000, Failure.NOT_DATA),
        ("a,c\n1,2\n", Failure.CHANGED_LAYOUT),
        ("a,b,b\n1,2,3\n", Failure.CHANGED_LAYOUT),
        ("\n\n ,\n", Failure.CHANGED_LAYOUT),
        ("<html>Verify you are human</html>", Failure.BLOCKED),
        ("", Failure.NOT_DATA),
    ],
)
def test_broken_csv_fails_the_payload(body, failure):
    with pytest.raises(SourceError) as caught:
        strict_csv(payload(body), header=("a", "b"))
    assert caught.value.failure is failure


# Records


def test_rows_have_exactly_the_declared_columns_and_types():
    parsed = read(record(other="ignored"))
    assert dict(parsed.rows.schema) == {name: column.dtype for name, column in COLUMNS.items()}
    assert parsed.rows.row(0) == ("X", datetime(2026, 2, 6), 70_000.5, 3, None, None)
    assert parsed.rejects == ()


def test_no_records_give_an_empty_frame_of_the_declared_types():
    assert dict(read().rows.schema) == {name: column.dtype for name, column in COLUMNS.items()}


def test_text_decimals_dates_and_instants_are_parsed():
    sent = record(open_time="2026-02-06T01:00:00+01:00", price_usd="0.01230", trades="12", trade_date="2024-02-29")
    row = read(sent).rows.row(0, named=True)
    assert row["open_time"] == datetime(2026, 2, 6)
    assert (row["price_usd"], row["trades"], row["trade_date"]) == (0.0123, 12, date(2024, 2, 29))


@pytest.mark.parametrize("value", [1, 1.0, "1", "1.0", "+1", "1e0", ".1e1", 1_000_000])
def test_numbers_alone_and_among_others_read_the_same(value):
    alone = read(record(price_usd=value)).rows["price_usd"][0]
    mixed = read(record(), record(price_usd="7"), record(price_usd=value)).rows["price_usd"][2]
    assert alone == mixed == float(value)


@pytest.mark.parametrize(
    "value",
    [
        "1,234.5",
        "1234,5",
        "",
        "-",
        "N/A",
        ".",
        " 1",
        "1 ",
        "0x10",
        "1_0",
        "one",
        "nan",
        "inf",
        "Infinity",
        True,
        [1],
        {},
    ],
)
def test_what_is_no_plain_number_is_refused_alone_and_among_others(value):
    assert len(reasons(record(price_usd=value))) == 1
    parsed = read(record(), record(price_usd="7"), record(price_usd=value))
    assert parsed.rows["price_usd"].to_list() == [70_000.5, 7.0]
    assert parsed.rejects[0].reason.startswith("price_usd: ")


@pytest.mark.parametrize("value", [1.5, "1.5", 2**63, 10**40, True, "x", float("nan"), "1" * 30])
def test_what_is_no_whole_number_of_64_bits_is_refused(value):
    assert len(reasons(record(), record(trades=value))) == 1


def test_whole_numbers_stay_exact():
    assert read(record(trades=2**53 + 1)).rows["trades"][0] == 2**53 + 1
    assert read(record(trades=str(2**53 + 1))).rows["trades"][0] == 2**53 + 1


def test_null_is_refused_only_where_it_is_not_declared():
    assert reasons(record(trades=None)) == []
    assert reasons(record(price_usd=None), record()) == ["price_usd: no value"]
    absent = {name: value for name, value in record().items() if name != "symbol"}
    assert reasons(record(), absent) == ["symbol: no value"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"price_usd": 0}, "price_usd: 0 is below 0.01"),
        ({"price_usd": -1.5}, "price_usd: -1.5 is below 0.01"),
        ({"price_usd": 2e9}, "price_usd: 2000000000.0 is above 1e+09"),
        ({"price_usd": float("nan")}, "price_usd: nan is not finite"),
        ({"trades": -1}, "trades: -1 is below 0"),
        ({"symbol": "X\0"}, "symbol: 'X\\x00' has a NUL byte or was given twice"),
        ({"symbol": 5}, "symbol: 5 is no text"),
        ({"is_final": "yes"}, "is_final: 'yes' is no truth value"),
        ({"trade_date": "06.02.2026"}, "trade_date: '06.02.2026' is no date"),
        ({"trade_date": "2025-02-29"}, "trade_date: '2025-02-29' is no date"),
        ({"trade_date": datetime(2026, 2, 6)}, "trade_date: 2026-02-06 00:00:00 is no date"),
        ({"trade_date": date(1970, 1, 1)}, "trade_date: 1970-01-01 is before 2009-01-03"),
        ({"open_time": "2026-02-06T23:59:60Z"}, "open_time: '2026-02-06T23:59:60Z' is no time"),
        ({"open_time": 1_770_336_000}, "open_time: 1770336000 is no time"),
        ({"open_time": [2026]}, "open_time: [2026] is no time"),
        ({"open_time": datetime(2009, 1, 2)}, "open_time: 2009-01-02 00:00:00 is before 2009-01-03"),
        ({"open_time": NOW + timedelta(days=2)}, "open_time: 2026-02-09 00:20:00+00:00 lies in the future"),
    ],
)
def test_reason_names_column_value_and_rule(change, reason):
    parsed = read(record(), record(**change))
    assert [reject.reason for reject in parsed.rejects] == [reason]
    assert parsed.rows.height == 1


def test_only_the_observed_time_must_not_lie_in_the_future():
    columns = {**COLUMNS, "expiry_time": Column(INSTANT, "UTC", "")}
    ahead = NOW + timedelta(days=400)
    assert read(record(expiry_time=ahead), columns=columns).rejects == ()
    assert reasons(record(open_time=NOW + timedelta(hours=23))) == []


@pytest.mark.parametrize("observed", [date(2026, 2, 9), "2030-01-01"])
def test_observed_date_must_not_lie_in_the_future(observed):
    columns = {"day": Column(pl.Date, "", "")}
    parsed = typed([{"day": date(2026, 2, 8)}, {"day": observed}], columns, fetched_at=NOW, observed="day")
    assert parsed.rows["day"].to_list() == [date(2026, 2, 8)]
    assert "future" in parsed.rejects[0].reason


@pytest.mark.parametrize(("unit", "wrong"), [(from_s, 1_770_336_000_000), (from_ms, 1_770_336_000)])
def test_seconds_where_milliseconds_were_are_refused(unit, wrong):
    assert len(reasons(record(open_time=unit(wrong)))) == 1


def test_epochs_become_instants():
    assert from_s(1_770_336_000) == from_ms(1_770_336_000_000) == from_ms("1770336000000") == datetime(2026, 2, 6)
    assert from_ms(4_102_444_800_000) == datetime(2100, 1, 1)  # beyond 2038


@pytest.mark.parametrize("value", [None, "soon", True, 1e300, float("nan"), [1], "1.5", 10**30])
def test_what_is_no_epoch_comes_back_unchanged_and_is_refused(value):
    assert from_s(value) is value
    assert len(reasons(record(open_time=from_ms(value)))) == 1


def test_declared_marks_become_null_and_others_do_not():
    assert or_null(" N/A ", "N/A", ".") is None
    assert or_null("", "") is None
    assert or_null("-", "N/A") == "-"
    assert or_null(0, "0") == 0


def test_column_missing_everywhere_is_a_changed_layout_and_never_a_column_of_nulls():
    renamed = {("open_interest" if name == "trades" else name): value for name, value in record().items()}
    with pytest.raises(SourceError, match=r"trades is missing from every record; it has .*open_interest") as caught:
        read(renamed, renamed)
    assert caught.value.failure is Failure.CHANGED_LAYOUT
    assert read(renamed, record()).rows.height == 2


def test_reject_keeps_what_was_sent_within_reason():
    earlier = strict_csv(payload("a\n1,2\n"), header=("a",)).rejects
    sent = [{"p": "x" * 10_000}, "=cmd()"]
    parsed = read(record(price_usd="x"), record(price_usd="y"), sent=sent, rejects=earlier)
    assert [reject.text[:9] for reject in parsed.rejects] == ["1,2", '{"p": "xx', "=cmd()"]
    assert max(len(reject.text) for reject in parsed.rejects) == LONGEST_REJECT
    assert json.loads(read(record(price_usd=None)).rejects[0].text)["symbol"] == "X"


def test_one_record_is_refused_once_with_the_first_reason():
    assert reasons(record(symbol=None, price_usd=-1, trades="x")) == ["symbol: no value"]


def test_control_characters_of_a_provider_do_not_reach_a_message():
    (reason,) = reasons(record(price_usd="\x1b[2J\nred"))
    assert reason.isprintable()
    assert all(text.isprintable() for text in reasons(record(price_usd={"\n": "\x1b"}), record(symbol=["\n"])))


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.datetimes() | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.lists(st.fixed_dictionaries(dict.fromkeys(COLUMNS, anything)), max_size=8))
def test_any_records_become_rows_or_rejects_and_nothing_is_lost(records):
    parsed = read(*records)
    assert parsed.rows.height + len(parsed.rejects) == len(records)
    assert dict(parsed.rows.schema) == {name: column.dtype for name, column in COLUMNS.items()}
    assert parsed.rows["price_usd"].is_finite().all()
    assert parsed.rows["symbol"].null_count() == 0


@given(st.binary(max_size=200))
def test_any_bytes_are_json_or_a_source_error(body):
    with contextlib.suppress(SourceError):
        strict_json(payload(body))


# Real errors of real providers


def test_recorded_country_block_is_a_block(real: Path):
    body = (real / "fixtures" / "errors" / "cloudfront_http_403_country_block.html").read_bytes()
    assert failure_of(body) is Failure.BLOCKED
