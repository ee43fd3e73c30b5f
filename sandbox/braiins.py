"""Braiins Insights from `blocks` and `price_1h`: what the newest 144 blocks pay at the clock's price, rounded."""

import polars as pl
from starlette.responses import Response

from sandbox.provider_request import ProviderRequest, RouteHandler, json_answer, text_answer

DAY_BLOCKS = 144


def hashrate_stats(request: ProviderRequest) -> Response:
    """`hashrate-stats`: hashrate as the difficulty implies it; not found where the tables lack blocks or a price."""
    blocks = request.market.table("blocks").filter(pl.col("time") <= request.clock).sort("height").tail(DAY_BLOCKS)
    hours = request.market.table("price_1h").filter(pl.col("market") == "spot", pl.col("open_time") <= request.clock)
    if blocks.is_empty() or hours.is_empty():
        return text_answer("Not Found", 404)
    subsidy, fees = (float(blocks[name].sum()) / len(blocks) for name in ("subsidy_btc", "fees_btc"))
    price = float(hours["open"][-1])
    hashes_per_block = float(blocks["difficulty"][-1]) * 2**32
    rate_ehs = round(hashes_per_block / 600 / 1e18, 2)
    return json_answer(
        {
            "avg_fees_per_block": round(fees, 3),
            "current_hashrate": rate_ehs,
            "fees_percent": round(100 * fees / (subsidy + fees), 1),
            "hash_price": round(1e12 * 86_400 / hashes_per_block * (subsidy + fees) * price, 3),
            "hash_rate_30": rate_ehs,
            "rev_usd": round(DAY_BLOCKS * (subsidy + fees) * price, 1),
        }
    )


ROUTES: dict[str, RouteHandler] = {"GET insights.braiins.com/api/v1.0/hashrate-stats": hashrate_stats}
