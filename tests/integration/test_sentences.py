"""No sentence contradicts its numbers: what each date's line claims, reckoned again from the rows that it speaks of."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

FORECASTS = ("will ", "should", "target", "likely", "goes on", "将", "有望", "看涨目标")
CLOSES = {"above": r"Holds: (\d+) closes", "lost": r"Lost: (\d+) closes", "contested": r"Not won back: (\d+) close"}


def days(published: Path) -> Sequence[dict[str, Any]]:
    with duckdb.connect(str(published), read_only=True) as connection:
        return (
            connection.execute(
                """
                with closes as (
                    -- A close that came too late for its own day is known to the days after.
                    select signal_date, case age_days when 0 then value_as_known else value end as close
                    from marts.fct_signal_daily
                    where signal_id = 'btc_close_usd' and close is not null
                ),
                states as (
                    select signal_date, count(*) filter (where state = 'bull') as bulls,
                        count(*) filter (where state = 'bear') as bears,
                        count(*) filter (where state <> 'unknown') as known
                    from marts.fct_bucket_daily group by signal_date
                )
                select regime.*, states.* exclude (signal_date),
                    (select list(close order by signal_date desc) from closes
                     where closes.signal_date between regime.signal_date - 29 and regime.signal_date) as closes,
                    (select max(value_as_known) from marts.fct_signal_daily as high
                     where high.signal_id = 'btc_high_usd'
                        and high.signal_date between regime.signal_date - 364 and regime.signal_date) as high
                from marts.fct_regime_daily as regime join states using (signal_date) order by signal_date
                """
            )
            .pl()
            .to_dicts()
        )


def assert_sentences_are_true(published: Path) -> None:
    seen = set()
    history = {row["signal_date"]: row for row in days(published)}
    for day, row in history.items():
        line, chinese, why = row["verdict_line"], row["verdict_line_zh"], row["explanation"]
        for text in (line, chinese, why, row["regime_decided_by"] or "", row["regime_decided_by_zh"] or ""):
            assert not any(word in text for word in FORECASTS), (day, text)
            assert "{" not in text, (day, text)
        # Counts of the line are those of its columns, in both languages.
        for count, known, english, other in (
            ("conditions_met", "conditions_known", r"(\d) of (\d)(?: known)? conditions met", r"条件满足 (\d)/(\d)"),
            ("warnings_on", "warnings_known", r"(\d) of (\d)(?: known)? warnings on", r"警示亮起 (\d)/(\d)"),
        ):
            if row[known]:
                for pattern, text in ((english, line), (other, chinese)):
                    found = re.search(pattern, text)
                    assert found, (day, text)
                    assert tuple(map(int, found.groups())) == (row[count], row[known]), (day, text)
        # The evidence is what its counts make it, whatever the unknown ones turn out to be.
        met, on = row["conditions_met"], row["warnings_on"]
        best = (met + 3 - row["conditions_known"], on)
        worst = (met, on + 3 - row["warnings_known"])
        evidence = {
            "for" if m >= 2 and w == 0 else "against" if w >= 2 and m == 0 else "open" for m, w in (best, worst)
        }
        assert row["evidence_for_level"] == (evidence.pop() if len(evidence) == 1 else "unknown"), day
        # The position is where the closes lie.
        if row["position"] != "none":
            close, level, low = row["btc_close_usd"], row["level_usd"], row["cluster_low_usd"]
            zone = "above" if close >= level else "below" if close < low else "inside"
            of_zone = {"above": {"above", "reclaimed"}, "inside": {"tested", "contested"}, "below": {"broken", "lost"}}
            assert row["position"] in of_zone[zone], day
            if found := re.match(CLOSES.get(row["position"], "$"), line):
                number = min(int(found[1]), len(row["closes"]))
                places = [
                    "above" if each >= level else "below" if each < low else "inside" for each in row["closes"][:number]
                ]
                assert set(places) == {zone}, (day, line)
            seen.add(row["position"])
        # A regime's words fit its buckets and prices, and its why names its clause and its counts.
        if row["regime_clause"]:
            assert row["regime_decided_by"] in why, day
            assert f"{row['bulls']} buckets bull, {row['bears']} bear of {row['known']} known" in why, (day, why)
        if row["regime"] == "distribution":
            assert row["btc_close_usd"] >= 0.85 * row["high"], day
        if row["regime_clause"] == "regime_bear_below_level":
            assert 2 * row["bears"] > row["known"], day
            assert row["btc_close_usd"] < row["level_usd"], day
        if found := re.search(r"close (only )?([\d.]+) % (above|below) the level", row["regime_decided_by"] or ""):
            distance = 100 * (row["btc_close_usd"] / row["level_usd"] - 1)
            assert (found[3] == "above") == (distance >= 0), (day, found[0])
            assert abs(abs(distance) - float(found[2])) <= 0.051, (day, found[0])
        # Conditions that the regime counts are today's, and an unknown one is not counted as a "no".
        if found := re.search(r"(\d) of H1-H3 hold today(?: \((\d) known\))?;", why):
            conditions = [row[name] for name in ("h1", "h2", "h3") if row[name] is not None]
            assert (int(found[1]), int(found[2] or 3)) == (sum(conditions), len(conditions)), (day, why)
        else:
            assert not row["regime_clause"], (day, why)
    assert len(seen) >= 3, "too few positions to have tried the sentences"


def test_no_sentence_of_the_demo_contradicts_its_numbers(scenario_home: Path) -> None:
    assert_sentences_are_true(scenario_home / "leadline.duckdb")


def test_a_slow_regime_always_names_its_clause(scenario_home: Path) -> None:
    fast = ("unknown", "capitulation", "relief_rally")
    for row in days(scenario_home / "leadline.duckdb"):
        assert (row["regime_clause"] is None) == (row["regime"] in fast), row["signal_date"]


def test_no_sentence_of_real_history_contradicts_its_numbers(real_home: Path) -> None:
    assert_sentences_are_true(real_home / "leadline.duckdb")
