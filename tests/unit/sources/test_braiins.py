"""Braiins: the recorded answer to the figure, units that are a thousand times off, the stand-in's rounding."""

import json
from datetime import datetime
from pathlib import Path

import pytest

from sandbox import braiins as stand_in
from sources.braiins import DATASETS
from sources.core.dataset import Window
from sources.core.errors import Failure, SourceError
from sources.core.payload import Payload
from tests.unit.market_folder import write_table
from tests.unit.venue_market import DAY, asking, payload, rows_of

(STAT,) = DATASETS


def recorded(real: Path, name: str) -> Payload:
    """The answer out of the recorder's envelope, at the moment of the recording."""
    envelope = json.loads((real / "fixtures/braiins" / f"{name}.json").read_text())
    return payload(envelope["response"]["body"], fetched_at=datetime.fromisoformat(envelope["captured_at"]))


def test_the_recorded_answer_is_read_to_the_figure(real: Path) -> None:
    parsed = STAT.read(recorded(real, "hashrate-stats"))
    assert parsed.rejects == ()
    assert parsed.rows.schema == STAT.schema
    assert parsed.rows.rows() == [(datetime(2025, 12, 14, 3, 28, 43), 39.0, 1001.23, 1074.37, 0.5, 0.016, 40872449.1)]


def test_the_recorded_hashprice_is_the_computed_one_to_its_rounding(real: Path) -> None:
    # (subsidy + fees) x price x 1e15 x 86400 / (difficulty x 2^32), of the day of the recording.
    price = json.loads((real / "fixtures/braiins/price-stats.json").read_text())["response"]["body"]["price"]
    computed = (3.125 + 0.016) * price * 1e15 * 86_400 / (148.2e12 * 2**32)
    printed = STAT.read(recorded(real, "hashrate-stats")).rows["hashprice_usd_ph_day"].item()
    assert printed == pytest.approx(computed, abs=1.3)


def test_the_recorded_price_is_no_hashrate(real: Path) -> None:
    with pytest.raises(SourceError, match="missing hash_price") as caught:
        STAT.read(recorded(real, "price-stats"))
    assert caught.value.failure is Failure.CHANGED_LAYOUT


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"hash_price": 39.0}, "hashprice_usd_ph_day: 39000.0 is above 1000"),  # of a petahash
        ({"hash_price": 3.9e-5}, "hashprice_usd_ph_day"),  # of a gigahash
        ({"hash_price": None}, "hashprice_usd_ph_day: no value"),
        ({"current_hashrate": 1.0}, "hashrate_ehs: 1.0 is below 50"),  # in zettahashes
        ({"current_hashrate": 1.001e21}, "hashrate_ehs"),
        ({"avg_fees_per_block": 1_600_000}, "mean_fees_btc"),  # in satoshi
        ({"fees_percent": 500}, "fees_pct"),
        ({"rev_usd": 40.87}, "revenue_usd"),  # in millions
    ],
)
def test_a_figure_in_another_unit_is_refused(samples: Path, changed: dict[str, object], reason: str) -> None:
    sent = json.loads((samples / "braiins/hashrate_stat.json").read_text())
    parsed = STAT.read(payload(sent | changed))
    assert parsed.rows.is_empty()
    assert reason in parsed.rejects[0].reason


def test_the_stand_in_encodes_the_recorded_figures_as_they_were(real: Path, tmp_path: Path) -> None:
    sent = recorded(real, "hashrate-stats")
    price = json.loads((real / "fixtures/braiins/price-stats.json").read_text())["response"]["body"]["price"]
    row = STAT.read(sent).rows.row(0, named=True)
    at = row["observed_at"]
    block = {"difficulty": 148.2e12, "fees_btc": row["mean_fees_btc"], "subsidy_btc": 3.125, "tx_count": 3000}
    write_table(tmp_path, "blocks", [block | {"height": 927_600 + n, "time": at} for n in range(150)])
    market = write_table(tmp_path, "price_1h", [{"venue": "binance", "market": "spot", "open_time": at, "open": price}])
    with asking(STAT, market, at, stand_in.ROUTES) as (session, server):
        (page,) = STAT.fetch(session, Window(session.now() - DAY, session.now()))
    assert server.requests[0].path == "api/v1.0/hashrate-stats"
    encoded, body = json.loads(page.body), json.loads(sent.body)
    assert encoded.keys() <= body.keys()
    for name in ("avg_fees_per_block", "fees_percent"):
        assert encoded[name] == body[name]
    assert encoded["hash_price"] == pytest.approx(body["hash_price"], abs=0.0011)  # their price is some minutes older
    assert encoded["rev_usd"] == pytest.approx(body["rev_usd"], rel=0.02)


def test_without_blocks_there_is_nothing(tmp_path: Path) -> None:
    at = datetime(2025, 12, 14)
    market = write_table(tmp_path, "price_1h", [{"venue": "binance", "market": "spot", "open_time": at, "open": 9e4}])
    with asking(STAT, market, at, stand_in.ROUTES) as (session, _), pytest.raises(SourceError) as caught:
        rows_of(STAT, session, Window(session.now() - DAY, session.now()))
    assert caught.value.failure is Failure.MOVED
