"""On-chain figures of the scenario: cost basis of all coins, and profit and loss of the coins that move.

The distribution holds, for each price bin, the coins that last moved there. Each day some coins move to the day's
prices. How many follows from the day's realised loss and profit, so that the cost-basis distribution, gross loss and
profit, the realised cap and MVRV agree with one another as they do on a real chain.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from sandbox.scenario.mining import BlockSeries
from sandbox.scenario.prices import Bars
from sandbox.scenario.story import DAY, Floats, Story, positions

_HALVING = 840_000  # height of the last halving before the scenario
_HASHES_PER_DIFFICULTY = 2**32
_MOST_MOVED = 0.2  # of a bin's coins in a day
_PATIENCE = 0.9  # holders far in profit sell less: e-fold of (price - cost) / price


@dataclass(frozen=True)
class CoinDistribution:
    """The coins by cost basis at the end of each day, and what moving them realised; USD and BTC."""

    low: Floats  # of each bin
    supply: Floats  # (day, bin)
    loss: Floats
    profit: Floats
    realized_cap: Floats
    moved_usd: Floats  # value of the coins moved, at the day's price


def tables(story: Story, spot: Bars, blocks: BlockSeries) -> dict[str, pl.DataFrame]:
    """`onchain_1d` and `cost_basis`."""
    day = np.searchsorted(blocks.time, np.append(story.days, story.days[-1] + DAY))
    count = np.diff(day)
    subsidy = story.figures("mining")["subsidy_btc"]
    issuance = count * subsidy
    last_height = blocks.height[day[1:] - 1]
    supply = story.figures("mining")["supply_at_halving_btc"] + (last_height - _HALVING + 1) * subsidy
    coins = _coins(story, spot.by_day(), issuance, float(supply[0] - issuance[0]))
    return {
        "onchain_1d": _onchain(story, spot, blocks, day, issuance, supply, coins),
        "cost_basis": _cost_basis(story, coins),
    }


def _coins(story: Story, daily: Bars, issuance: Floats, supply_before: float) -> CoinDistribution:
    width = float(story.figures("cost_basis")["bin_usd"])
    low = np.arange(0, 200_000, width)
    middle = low + width / 2
    coins = _first_coins(story, low, width, supply_before)
    stickiness = _overlap(low, width, *story.figures("cost_basis")["cluster"]) / width
    willing = 1 - stickiness * (1 - story.figures("cost_basis")["cluster_turnover"])
    losses, profits = _targets(story, daily)

    states, realised = [], []
    for index in range(len(story.days)):
        landing = _overlap(low, width, daily.low[index], daily.high[index])
        landing /= landing.sum()
        paid = float(landing @ middle)
        margin = paid - middle
        in_loss = np.where(margin < 0, willing, 0.0) * coins
        in_profit = np.where(margin > 0, willing * np.exp(-margin / paid / _PATIENCE), 0.0) * coins
        moved = _move(in_loss, -margin, losses[index]) + _move(in_profit, margin, profits[index])
        loss, profit = float(moved @ np.maximum(-margin, 0)), float(moved @ np.maximum(margin, 0))
        coins = coins - moved + (moved.sum() + issuance[index]) * landing
        states.append(coins)
        realised.append((loss, profit, float(coins @ middle), float(moved.sum()) * paid))
    loss_usd, profit_usd, caps, moved_usd = np.array(realised).T
    return CoinDistribution(low, np.array(states), loss_usd, profit_usd, caps, moved_usd)


def _first_coins(story: Story, low: Floats, width: float, total: float) -> Floats:
    figures = story.figures("cost_basis")
    bands = [*figures["first_day"], [*figures["cluster"], figures["cluster_mbtc"]]]
    coins: Floats = np.zeros_like(low)
    for start, end, millions in bands:
        coins += millions * 1e6 * _overlap(low, width, start, end) / (end - start)
    coins *= total / coins.sum()
    return coins


def _targets(story: Story, daily: Bars) -> tuple[Floats, Floats]:
    """Realised loss and profit of each day in USD: losses when the price falls, profits when it rises."""
    noise = np.exp(story.noise("onchain.realized", len(daily.close), 2) * story.figures("onchain")["noise_pct"] / 100)
    move = np.column_stack([-daily.returns, daily.returns]).clip(0, 0.06) / 0.025
    quiet = np.column_stack([story.daily("onchain", name) for name in ("realized_loss", "realized_profit")])
    target = quiet * noise * (1 + 0.7 * move**1.2) * 1e6
    for day, millions in story.figures("onchain")["realized_loss_day"].items():
        target[positions(story.days, np.array([day], "M8[D]")), 0] = millions * 1e6
    losses, profits = target.T
    return losses, profits


def _move(willing: Floats, gap: Floats, target: float) -> Floats:
    """Coins of each bin that move so that their gaps add up to the target, if so many are willing."""
    available = float(willing @ gap)
    share = min(target / available, _MOST_MOVED) if available > 0 else 0.0
    return willing * share


def _overlap(low: Floats, width: float, start: float, end: float) -> Floats:
    """USD of each bin that lie between `start` and `end`."""
    common: Floats = (np.minimum(low + width, end) - np.maximum(low, start)).clip(min=0)
    return common


def _onchain(
    story: Story,
    spot: Bars,
    blocks: BlockSeries,
    day: np.ndarray,
    issuance: Floats,
    supply: Floats,
    coins: CoinDistribution,
) -> pl.DataFrame:
    close = spot.by_day().close
    work = np.add.reduceat(blocks.difficulty, day[:-1]) * _HASHES_PER_DIFFICULTY
    in_profit = np.where(coins.low < close[:, np.newaxis], coins.supply, 0.0).sum(axis=1)
    usual_flow = story.daily("onchain", "exchange_flow_btc")[:, np.newaxis]
    flow = usual_flow * np.exp(0.3 * story.noise("onchain.flow", len(close), 2))
    market_cap = close * supply
    return pl.DataFrame(
        {
            "date": story.days,
            "price_usd": close,
            "market_cap_usd": np.round(market_cap),
            "mvrv": np.round(market_cap / coins.realized_cap, 6),
            "realized_cap_usd": np.round(coins.realized_cap),
            "supply_btc": supply,
            "issuance_btc": issuance,
            "fees_btc": np.round(np.add.reduceat(blocks.fees_btc, day[:-1]), 4),
            "hashrate_ehs": np.round(work / 86_400 / 1e18, 6),
            "difficulty": blocks.difficulty[day[1:] - 1],
            "block_count": np.diff(day),
            # Value sold over value paid; the coins that moved without a gain or a loss are four times as many.
            "sopr": np.round(1 + (coins.profit - coins.loss) / (5 * coins.moved_usd), 6),
            "supply_in_profit_pct": np.round(in_profit / supply * 100, 4),
            "realized_loss_usd": np.round(coins.loss),
            "realized_profit_usd": np.round(coins.profit),
            "exchange_inflow_btc": np.round(flow[:, 0], 3),
            "exchange_outflow_btc": np.round(flow[:, 1], 3),
        }
    ).with_columns(pl.col("date").cast(pl.Date))


def _cost_basis(story: Story, coins: CoinDistribution) -> pl.DataFrame:
    supply = np.round(coins.supply)
    day, held = np.nonzero(supply)
    return pl.DataFrame(
        {
            "date": story.days[day],
            "price_low_usd": coins.low[held],
            "price_high_usd": coins.low[held] + story.figures("cost_basis")["bin_usd"],
            "supply_btc": supply[day, held],
        }
    ).with_columns(pl.col("date").cast(pl.Date))
