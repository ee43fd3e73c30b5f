"""The SQL of the join. DuckDB and Spark both read it.

From two relations

- `transactions`: rows of the public copy, some of them twice, some of orphaned blocks;
- `main_chain` (block_hash, day, coinbase_is_coin): the blocks that count,

follow `creators` (a row a transaction) and `spends` (a row an input), and from these two the cells. An input carries
the value of the coin that it spends, but not the day on which that was created: this is what the join finds, by the
transaction id that is the first half of the outpoint. All outputs of a transaction were created on one day, so none is
joined by itself; their values come along as one text a transaction, in which each input must find its own.

Rows that overlapping files repeat are equal in all that is read here: they are taken once by their key, the transaction
for `creators` and the outpoint for `spends`. Where rows with one key differ, two are on the main chain at once; this is
counted as a conflict, and a join with conflicts is not published.

The two engines differ in six words, all of them in `Dialect`.
"""

import hashlib
from dataclasses import dataclass

from chain.cells import MAX_SCRIPT_BYTES, SATOSHI_PER_BITCOIN
from chain.sums import CELLS, COINS

# Columns of the public copy that are read, as Spark writes types.
TRANSACTION_COLUMNS = (
    "hash string, block_hash string, is_coinbase boolean, input_count bigint, output_count bigint, "
    "inputs array<struct<spent_transaction_hash: string, spent_output_index: bigint, value: double>>, "
    "outputs array<struct<index: bigint, script_hex: string, value: double>>"
)

# Half of the hash, 128 bits. If two ids had one key, their day would have one transaction too few.
KEY_DIGITS = 32


@dataclass(frozen=True)
class Dialect:
    """Six expressions that differ between engines. `{…}` is the operand; `o` is an element of the list of outputs."""

    explode: str
    key: str
    shown_key: str
    count_where: str
    sum_where: str
    text_where: str


DUCKDB = Dialect(
    explode="unnest({list})",
    key="cast({hexadecimal} as uuid)",
    shown_key="replace(cast({key} as varchar), '-', '')",
    count_where="cast(len(list_filter({list}, lambda o: {condition})) as bigint)",
    sum_where="cast(list_sum(list_transform(list_filter({list}, lambda o: {condition}), lambda o: {value})) as bigint)",
    text_where="array_to_string(list_transform(list_filter({list}, lambda o: {condition}), lambda o: {value}), ',')",
)

SPARK = Dialect(
    explode="explode({list})",
    key="unhex({hexadecimal})",
    shown_key="lower(hex({key}))",
    count_where="cast(size(filter({list}, o -> {condition})) as bigint)",
    sum_where="aggregate(filter({list}, o -> {condition}), cast(0 as bigint), (total, o) -> total + {value})",
    text_where="array_join(transform(filter({list}, o -> {condition}), o -> {value}), ',')",
)

_MOST_BITCOIN = 21_000_000

# No amount, less than nothing, not a number, or more than there will ever be.
_FAULTY = f"(coalesce({{value}}, -1) < 0 or {{value}} > {_MOST_BITCOIN})"

# Rounded once, here. A double holds every amount to a fifth of a satoshi, so the nearest whole number is the true one.
_SATOSHI = (
    f"case when {_FAULTY} then cast(0 as bigint) else cast(round({{value}} * {SATOSHI_PER_BITCOIN}) as bigint) end"
)

# One output, as `output_values` lists them between commas.
_OUTPUT_VALUE = "concat(cast({index} as string), ':', cast({satoshi} as string))"

# Bitcoin Core's `CScript::IsUnspendable`, as in `chain.cells.is_unspendable`.
_SPENDABLE = (
    f"not (coalesce(o.script_hex, '') like '6a%' or length(coalesce(o.script_hex, '')) > {2 * MAX_SCRIPT_BYTES})"
)


def creators(dialect: Dialect) -> str:
    """A row for each transaction of the main chain that may create coins, repeated where files overlap.

    Columns: transaction_key, created_day, satoshi and coins of its spendable outputs, output_values (the same one by
    one: `,0:5000000000,1:546,`), inputs (number of coins that it spends), faulty (outputs that are missing or have no
    possible amount).
    """
    output_satoshi = _SATOSHI.replace("{value}", "o.value")
    satoshi = dialect.sum_where.format(list="t.outputs", condition=_SPENDABLE, value=output_satoshi)
    values = dialect.text_where.format(
        list="t.outputs", condition=_SPENDABLE, value=_OUTPUT_VALUE.format(index="o.index", satoshi=output_satoshi)
    )
    faulty = dialect.count_where.format(list="t.outputs", condition=_FAULTY.replace("{value}", "o.value"))
    outputs = dialect.count_where.format(list="t.outputs", condition="true")
    return f"""
        select
            {_key(dialect, "t.hash")} as transaction_key,
            m.day as created_day,
            coalesce({satoshi}, 0) as satoshi,
            coalesce({dialect.count_where.format(list="t.outputs", condition=_SPENDABLE)}, 0) as coins,
            concat(',', coalesce({values}, ''), ',') as output_values,
            case when t.is_coinbase then cast(0 as bigint) else t.input_count end as inputs,
            coalesce({faulty}, 0) + abs(t.output_count - coalesce({outputs}, 0)) as faulty
        from transactions t
        join main_chain m on t.block_hash = m.block_hash
        where m.coinbase_is_coin or not t.is_coinbase
    """


def spends(dialect: Dialect) -> str:
    """A row for each input of the main chain that spends a coin, repeated where files overlap.

    Columns: transaction_key (of the coin), output_index, spent_day, satoshi, faulty (1 for no possible amount).
    """
    return f"""
        select
            {_key(dialect, "i.input.spent_transaction_hash")} as transaction_key,
            i.input.spent_output_index as output_index,
            i.day as spent_day,
            {_SATOSHI.replace("{value}", "i.input.value")} as satoshi,
            cast(case when {_FAULTY.replace("{value}", "i.input.value")} then 1 else 0 end as bigint) as faulty
        from (
            select m.day, {dialect.explode.format(list="t.inputs")} as input
            from transactions t
            join main_chain m on t.block_hash = m.block_hash
            where not t.is_coinbase
        ) i
    """


# By day created: satoshi, coins; transactions and inputs of the day's blocks; what is wrong with them.
CREATED_CELLS = f"""
    select
        created_day,
        {CELLS},
        count(*) as transactions,
        cast(sum(inputs) as bigint) as inputs,
        cast(sum(faulty) as bigint) as faulty,
        cast(sum(conflict) as bigint) as conflicts
    from (
        select
            transaction_key,
            min(created_day) as created_day,
            min(satoshi) as satoshi,
            min(coins) as coins,
            min(inputs) as inputs,
            max(faulty) as faulty,
            case
                when min(created_day) = max(created_day) and min(satoshi) = max(satoshi) and min(coins) = max(coins)
                    and min(inputs) = max(inputs) then 0
                else 1
            end as conflict
        from creators
        group by transaction_key
    ) once
    group by created_day
"""


def spent_cells(dialect: Dialect) -> str:
    """By days created and spent: satoshi, coins; what is wrong with them.

    No day created: the coin's transaction is missing. unequal counts inputs whose value is not that of the output they
    spend, or that spend no spendable output of the transaction; unequal_outpoint is one of them, its key and index.
    """
    value = _OUTPUT_VALUE.format(index="once.output_index", satoshi="once.satoshi")
    unequal = f"not contains(coin.output_values, concat(',', {value}, ','))"
    outpoint = f"concat({dialect.shown_key.format(key='once.transaction_key')}, ':', cast(once.output_index as string))"
    return f"""
        select
            coin.created_day,
            once.spent_day,
            {COINS},
            cast(sum(once.faulty) as bigint) as faulty,
            cast(sum(once.conflict) as bigint) as conflicts,
            count(case when {unequal} then 1 end) as unequal,
            min(case when {unequal} then {outpoint} end) as unequal_outpoint
        from (
            select
                transaction_key,
                output_index,
                min(spent_day) as spent_day,
                min(satoshi) as satoshi,
                max(faulty) as faulty,
                case when min(spent_day) = max(spent_day) and min(satoshi) = max(satoshi) then 0 else 1 end as conflict
            from spends
            group by transaction_key, output_index
        ) once
        left join (
            select transaction_key, min(created_day) as created_day, min(output_values) as output_values
            from creators
            group by transaction_key
        ) coin on once.transaction_key = coin.transaction_key
        group by coin.created_day, once.spent_day
    """


def version() -> str:
    """A hash of the SQL, so that an interrupted join is not continued with other SQL."""
    texts = [creators(DUCKDB), spends(DUCKDB), CREATED_CELLS, spent_cells(DUCKDB)]
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]


def _key(dialect: Dialect, column: str) -> str:
    return dialect.key.format(hexadecimal=f"substr({column}, 1, {KEY_DIGITS})")
