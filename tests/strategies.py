"""Hypothesis strategies for every record of the model."""

from datetime import UTC, datetime
from string import ascii_letters, digits
from typing import Any

from hypothesis import strategies as st

from xlkit.model import (
    Action,
    Applied,
    Control,
    Decision,
    DowntimePart,
    Event,
    Forecast,
    Iteration,
    Knowledge,
    Migration,
    Origin,
    Phase,
    PrecopyStats,
    Range,
    Run,
    RunStart,
    RunStop,
    Setup,
    Side,
    Status,
    StopReason,
)
from xlkit.policies import (
    DowntimeBudgetPolicy,
    LegacyXenPolicy,
    NoProgressPolicy,
    RecordedPolicy,
    SusePolicy,
    ThresholdPolicy,
    TimeLimitPolicy,
    XcpNgPolicy,
    XenServerPolicy,
)
from xlkit.units import UINT32_MAX

# A surrogate alone is what Python makes of a byte in a path that is no UTF-8; messages can hold one.
texts = st.text(max_size=40) | st.just("a path \udcff that is no UTF-8")
names = st.text(ascii_letters + digits + "._ä", min_size=1, max_size=20)
run_ids = st.text(ascii_letters + digits, min_size=1, max_size=30)
counts = st.integers(0, 2**63 - 1)
seconds = st.floats(-1e9, 1e9)
maybe_counts = st.none() | counts
maybe_seconds = st.none() | seconds
knobs = st.integers(0, UINT32_MAX)
positive_seconds = st.floats(1e-6, 1e6)
plain_values = st.recursive(
    st.none() | st.booleans() | counts | seconds | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
settings: st.SearchStrategy[dict[str, Any]] = st.dictionaries(texts, plain_values, max_size=4)

policies = st.one_of(
    st.builds(ThresholdPolicy, min_remaining=knobs, max_iters=knobs),
    st.builds(SusePolicy, min_remaining=knobs, max_iters=knobs),
    st.builds(LegacyXenPolicy, min_remaining=knobs, max_iters=knobs, max_factor=knobs),
    st.builds(XenServerPolicy),
    st.builds(XcpNgPolicy),
    st.builds(DowntimeBudgetPolicy, downtime_s=positive_seconds, max_iters=knobs),
    st.builds(NoProgressPolicy, least_shrink=st.floats(0, 0.99), min_remaining=knobs, max_iters=knobs),
    st.builds(TimeLimitPolicy, limit_s=positive_seconds, on_limit=st.sampled_from(list(Decision)[1:])),
    st.builds(RecordedPolicy, name=st.just("of another installation"), settings=st.just({"knob": 3})),
)
migrations = st.builds(Migration, domain=names, destination=names, source=names)
stats = st.builds(
    PrecopyStats,
    iteration=counts,
    dirty_pages=maybe_counts,
    total_written_pages=counts,
    memory_pages=maybe_counts,
    elapsed_s=maybe_seconds,
    last_sent_pages=maybe_counts,
    last_pass_s=maybe_seconds,
)
setups = st.builds(
    Setup,
    settings=settings,
    applied=st.sampled_from(Applied),
    origin=st.sampled_from(Origin),
    clock=texts,
    memory_pages=maybe_counts,
    versions=st.dictionaries(texts, texts, max_size=3),
)
ranges = st.lists(seconds, min_size=3, max_size=3).map(
    lambda some: Range(**dict(zip(("low", "likely", "high"), sorted(some), strict=True)))
)
forecasts = st.builds(
    Forecast,
    model=texts,
    level=st.floats(0, 1),
    passes_known=counts,
    learned_from=st.lists(run_ids, max_size=3).map(tuple),
    total_s=st.none() | ranges,
    downtime_s=st.none() | ranges,
    sent_bytes=st.none() | ranges,
    live_passes=st.none() | ranges,
    final_pages=st.none() | ranges,
)
starts = st.builds(
    RunStart,
    run_id=run_ids,
    migration=migrations,
    backend=texts,
    policy=st.none() | policies,
    started_at=st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - bounds
    setup=setups,
    labels=st.dictionaries(texts, texts, max_size=3),
    forecast=st.none() | forecasts,
)
iterations = st.builds(
    Iteration,
    iteration=counts,
    phase=st.sampled_from(Phase),
    dirty_pages=maybe_counts,
    total_written_pages=counts,
    sent_pages=maybe_counts,
    sent_bytes=maybe_counts,
    begun_s=seconds,
    ended_s=seconds,
    decision_before=st.none() | st.sampled_from(Decision),
    decision_after=st.none() | st.sampled_from(Decision),
    collect_s=maybe_seconds,
    heartbeat_begun_s=maybe_seconds,
    heartbeat_pages=st.none() | st.lists(counts, max_size=5).map(tuple),
    map_pages=st.none() | st.lists(counts, max_size=5).map(tuple),
)
controls = st.builds(
    Control,
    action=st.sampled_from(Action),
    iteration=counts,
    before_pass=st.booleans(),
    latency_s=seconds,
    policy=st.none() | policies,
)
parts = st.builds(DowntimePart, name=texts, duration_s=maybe_seconds, knowledge=st.sampled_from(Knowledge), clock=texts)
stops = st.builds(
    RunStop,
    status=st.sampled_from(Status),
    stop_reason=st.sampled_from(StopReason),
    ended_s=maybe_seconds,
    downtime_s=maybe_seconds,
    downtime=st.lists(parts, max_size=3).map(tuple),
    runs_at=st.sampled_from(Side),
    verified=st.none() | st.booleans(),
    message=texts,
)
events: st.SearchStrategy[Event] = st.one_of(starts, iterations, controls, stops)
runs = st.builds(
    Run,
    start=starts,
    iterations=st.lists(iterations, max_size=4).map(tuple),
    stop=stops,
    controls=st.lists(controls, max_size=2).map(tuple),
)
