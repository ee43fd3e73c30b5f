-- why(date): what the board of a date rests on, from the top down: the regime, the conditions H1 to S3, the buckets, and
-- every rule in force with its reading, what it takes to hold and the distance to its flip. The newest date without one.
create macro why(day := null) as table
with asked as (
    select coalesce(cast(day as date), (select max(signal_date) from marts.fct_regime_daily)) as signal_date
),
regimes as (
    select
        1 as place, 'regime' as step, regime as target, null::varchar as direction, null::boolean as holds,
        explanation as says, null::varchar as signal_id, null::double as reading, null::varchar as unit,
        null::date as observed_date, null::double as flip_distance, null::varchar as source
    from marts.fct_regime_daily
    semi join asked using (signal_date)
),
conditions as (
    select
        2 as place, 'condition' as step, condition_id as target, null::varchar as direction, holds,
        evidence as says, null::varchar as signal_id, null::double as reading, null::varchar as unit,
        null::date as observed_date, null::double as flip_distance, null::varchar as source
    from marts.fct_condition_daily
    semi join asked using (signal_date)
),
buckets as (
    select
        3 as place, 'bucket' as step, bucket as target, state as direction, null::boolean as holds,
        evidence as says, flip_signal_id as signal_id, null::double as reading, null::varchar as unit,
        null::date as observed_date, flip_distance, null::varchar as source
    from marts.fct_bucket_daily
    semi join asked using (signal_date)
),
rules as (
    select
        4 as place, 'rule' as step, said.target_id as target, said.direction, daily.holds,
        said.signal_id || if(said.measure = 'value', '', ' ' || said.measure) || ' ' || said.operator || ' '
        || said.enter_threshold || if(said.readings > 1, ' on ' || said.readings || ' readings', '')
        || ': ' || said.rationale as says,
        said.signal_id, daily.value as reading, said.unit, daily.observed_date, daily.flip_distance, said.source
    from asked
    join marts.fct_rule_daily as daily on daily.signal_date = asked.signal_date
    join marts.dim_rule as said
        on said.rule_id = daily.rule_id and asked.signal_date between said.valid_from and said.valid_to
)
select * exclude (place)
from (from regimes union all from conditions union all from buckets union all from rules)
order by place, target, direction, signal_id, says;
