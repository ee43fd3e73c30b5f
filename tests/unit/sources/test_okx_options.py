"""OKX's option chain: fractions, names, one stamp a snapshot; and its surface beside that of Deribit."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from pipeline import option_surface
from sandbox import deribit as deribit_stand_in
from sandbox import okx as stand_in
from sources.core.dataset import Window
from sources.core.errors import Failure, SourceError
from sources.registry import dataset
from tests.unit.venue_market import asking, folder, payload
from warehouse.database import Warehouse
from warehouse.home import Home
from warehouse.landing import Landing
from warehouse.loader import Loader

SUMMARY, INTEREST = dataset("okx.option_summary"), dataset("okx.option_open_interest")
DERIBIT = dataset("deribit.option_chain")
T0 = datetime(2026, 1, 1, 5, 50)
TS = 1767246600000  # T0


def option(name: str, **figures: str) -> dict[str, str]:
    return {"instId": name, "ts": str(TS), **figures}


def envelope(*rows: object) -> bytes:
    return json.dumps({"code": "0", "msg": "", "data": rows}).encode()


def test_a_volatility_is_a_fraction_and_a_snapshot_has_the_newest_stamp() -> None:
    call = option("BTC-USD-260327-95000-C", fwdPx="90500.5", markVol="0.495")
    put = {**option("BTC-USD-260327-80000-P", fwdPx="90500.5", markVol="0.58"), "ts": str(TS + 1999)}
    expiry, stamp = datetime(2026, 3, 27, 8), T0 + timedelta(seconds=1)
    assert SUMMARY.read(payload(envelope(call, put))).rows.rows() == [
        (stamp, "BTC-USD-260327-95000-C", expiry, 95000.0, "C", 90500.5, 49.5),
        (stamp, "BTC-USD-260327-80000-P", expiry, 80000.0, "P", 90500.5, 58.0),
    ]


@pytest.mark.parametrize(
    "name", ["BTC-USD-260327-95000-X", "BTC-USD-261327-95000-C", "ETH-USD-260327-2000-C", "BTC-27MAR26-95000-C"]
)
def test_an_option_of_another_name_is_refused_alone(name: str) -> None:
    figures = {"fwdPx": "90500", "markVol": "0.5"}
    parsed = SUMMARY.read(payload(envelope(option("BTC-USD-260327-95000-C", **figures), option(name, **figures))))
    assert parsed.rows["instrument_name"].to_list() == ["BTC-USD-260327-95000-C"]
    assert len(parsed.rejects) == 1


def test_open_interest_is_in_coins_and_not_in_contracts() -> None:
    row = option("BTC-USD-260327-80000-P", oi="4000", oiCcy="39.9999999999999")
    assert INTEREST.read(payload(envelope(row))).rows["open_interest_btc"].to_list() == [40.0]
    with pytest.raises(SourceError) as caught:
        INTEREST.read(payload(envelope(option("BTC-USD-260327-80000-P", oi="4000"))))
    assert caught.value.failure is Failure.CHANGED_LAYOUT


def chain() -> list[tuple[object, ...]]:
    """A smile of five expiries at T0, as the table `option_chain` has it."""
    rows: list[tuple[object, ...]] = []
    for days in (9, 23, 44, 100, 200):
        expiry = datetime(2026, 1, 1, 8) + timedelta(days=days)
        for strike in range(45_000, 96_000, 2_500):
            kind = "C" if strike >= 65_000 else "P"
            name = f"BTC-{expiry.day}{expiry:%b%y}-{strike}-{kind}".upper()
            iv = 50 + 200 * (strike / 65_000 - 1) ** 2 - 20 * (strike / 65_000 - 1)
            rows.append((T0, name, expiry, float(strike), kind, 65e3, 65e3, 0.03, 0.029, 0.031, iv, 5.5, 2.0))
    return rows


def test_both_exchanges_give_a_surface_of_their_own(tmp_path: Path) -> None:
    """The stand-ins show one and the same chain in two formats, so the two surfaces must be equal."""
    market = folder(tmp_path / "market", {"option_chain": chain()})
    home = Home(tmp_path / "home")
    window = Window.of_dates(T0.date(), T0.date())
    routes = {**stand_in.ROUTES, **deribit_stand_in.ROUTES}
    with Warehouse(home) as warehouse:
        warehouse.ensure_tables([DERIBIT, SUMMARY, INTEREST])
        for declared in (SUMMARY, INTEREST, DERIBIT):
            with asking(declared, market, T0 + timedelta(minutes=1), routes) as (session, _):
                pages = list(declared.fetch(session, window))
            files = [Landing(home).store(declared.id, page) for page in pages]
            Loader(warehouse).load(declared, [file for file in files if file])
            added = option_surface.compute(warehouse)
            assert added.snapshots == (declared is not INTEREST)
        surfaces = {
            venue: warehouse.connection.execute(
                "select tenor_days, round(atm_iv_pct, 6), round(rr25, 6), round(bf25, 6), expiries_used "
                "from analytics.option_surface where venue = ? order by tenor_days",
                [venue],
            ).fetchall()
            for venue in ("okx", "deribit")
        }
        [(pairs,)] = warehouse.connection.execute(
            "select count(*) from raw.okx__option_summary join raw.okx__option_open_interest using (instrument_name)"
        ).fetchall()
    assert surfaces["okx"] == surfaces["deribit"]
    assert [row[0] for row in surfaces["okx"]] == [7, 30, 90, 180]
    assert all(row[2] is not None for row in surfaces["okx"][1:3])
    assert pairs == len(chain())
