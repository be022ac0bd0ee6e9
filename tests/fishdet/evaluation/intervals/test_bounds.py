"""Ends of intervals against an independent implementation and against what they promise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from fishdet.evaluation.intervals.bounds import (
    basic,
    bca,
    expanded_bca,
    p_value,
    percentile,
    widened_bca,
)


@pytest.fixture(scope="module")
def skewed():
    """40 skewed values, the draws that scipy makes of their mean, and the jackknife."""
    values = np.random.default_rng(4).exponential(1.0, 40)
    result = stats.bootstrap((values,), np.mean, n_resamples=1999, method="BCa", rng=1)
    jackknife = (values.sum() - values) / 39
    return values, np.asarray(result.bootstrap_distribution), jackknife


@pytest.mark.parametrize(
    ("method", "name"), [(percentile, "percentile"), (basic, "basic"), (bca, "BCa")]
)
def test_equals_scipy(skewed, method, name):
    values, draws, jackknife = skewed
    expected = stats.bootstrap((values,), np.mean, n_resamples=1999, method=name, rng=1)
    got = method(draws, values.mean(), jackknife, 40)
    np.testing.assert_allclose(got, expected.confidence_interval, rtol=1e-9)


def test_few_groups_widen(skewed):
    values, draws, jackknife = skewed
    widths = [
        high - low
        for low, high in (
            bca(draws, values.mean(), jackknife, 40),
            expanded_bca(draws, values.mean(), jackknife, 40),
            expanded_bca(draws, values.mean(), jackknife, 5),
        )
    ]
    assert widths[0] < widths[1] < widths[2]


def test_draws_spread_at_least_as_far_as_the_jackknife_says(skewed):
    """Of a mean the jackknife's standard error is s / sqrt(n), which the expansion reaches."""
    values, draws, jackknife = skewed
    mean = values.mean()
    plain = np.array(expanded_bca(draws, mean, jackknife, 40))
    np.testing.assert_allclose(widened_bca(draws, mean, jackknife, 40), plain, atol=0.03)
    narrow = mean + (draws - mean) / 3
    np.testing.assert_allclose(
        widened_bca(narrow, mean, jackknife, 40), widened_bca(draws, mean, jackknife, 40), atol=0.03
    )


def test_one_group_has_no_interval(skewed):
    values, draws, jackknife = skewed
    assert np.isnan(expanded_bca(draws, values.mean(), jackknife, 1)).all()
    assert np.isnan(widened_bca(draws, values.mean(), jackknife, 1)).all()
    assert np.isnan(p_value(draws, values.mean(), jackknife, 1))
    assert np.isnan(widened_bca(np.full(9, np.nan), np.nan, jackknife, 9)).all()


@pytest.mark.parametrize("seed", range(8))
def test_p_value_is_five_percent_where_the_interval_ends_at_zero(seed):
    rng = np.random.default_rng(seed)
    values = rng.normal(0.4, 1.0, 15)
    draws = values[rng.integers(0, 15, (20_000, 15))].mean(axis=1)
    jackknife = (values.sum() - values) / 14
    low, high = widened_bca(draws, values.mean(), jackknife, 15)
    for end in (low, high):
        p = p_value(draws - end, values.mean() - end, jackknife - end, 15)
        assert p == pytest.approx(0.05, abs=0.003)
    assert p_value(draws - low + 0.05, values.mean() - low + 0.05, jackknife, 15) < 0.05
    assert p_value(draws - low - 0.05, values.mean() - low - 0.05, jackknife, 15) > 0.05


def test_p_value_of_the_same_is_one_and_never_zero():
    assert p_value(np.zeros(100), 0.0, np.zeros(9), 9) == 1.0
    draws = np.random.default_rng(0).normal(100, 1, 999)
    assert p_value(draws, 100.0, np.full(9, 100.0), 9) == pytest.approx(0.002)
