"""Channels: what is sent, what its gradient is, who hears it."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from tacit.errors import SettingError
from tacit.games import channel
from tacit.games.channel import Channel, Heard, heard_space
from tacit.types import Real

pytestmark = pytest.mark.usefixtures("strict")
LOGITS = jnp.array([-30.0, -1.0, -1e-6, 0.0, 1e-6, 1.0, 30.0])
MANY = 20_000


def draws(unit, logit, **settings):
    """Many independent messages of one logit."""
    send = functools.partial(channel.send, channel=Channel(unit=unit, **settings))
    return np.asarray(send(jax.random.key(0), jnp.full(MANY, logit)))


def test_only_logits_above_zero_are_a_one():
    np.testing.assert_array_equal(channel.discretize(LOGITS), [0, 0, 0, 0, 1, 1, 1])


def test_without_noise_the_unit_is_the_logistic():
    sent = channel.regularize(jax.random.key(0), LOGITS, 0.0)
    np.testing.assert_allclose(sent, 1 / (1 + np.exp(-np.asarray(LOGITS, float))), rtol=1e-6)


@pytest.mark.parametrize(("logit", "noise"), [(0.0, 2.0), (1.5, 2.0), (-3.0, 0.5)])
def test_the_unit_adds_normal_noise_to_the_logit(logit, noise):
    sent = draws("dru", logit, noise=noise).astype(float)
    assert stats.kstest(np.log(sent / (1 - sent)), stats.norm(logit, noise).cdf).pvalue > 0.001


@pytest.mark.parametrize("temperature", [0.5, 1.0])
def test_a_gumbel_draw_is_above_a_half_as_often_as_the_bit_is_one(temperature):
    logit = 0.8
    sent = draws("gumbel", logit, temperature=temperature).astype(float)
    chance = 1 / (1 + np.exp(-logit))
    assert abs((sent > 0.5).mean() - chance) < 4 * (chance * (1 - chance) / MANY) ** 0.5
    noise = temperature * np.log(sent / np.maximum(1 - sent, 1e-9)) - logit
    inside = np.abs(noise) < 5  # where 32 bits still tell sent from 1
    assert stats.kstest(noise[inside], stats.truncate(stats.Logistic(), -5, 5).cdf).pvalue > 0.001


def test_straight_through_sends_bits_with_the_gradient_of_the_unit():
    key = jax.random.key(1)

    def total(logits, unit):
        return channel.send(key, logits, Channel(unit=unit, noise=1.0))

    np.testing.assert_array_equal(total(LOGITS, "straight"), np.asarray(total(LOGITS, "dru")) > 0.5)
    slopes = [jax.grad(lambda x, unit=unit: total(x, unit).sum())(LOGITS) for unit in ("straight", "dru")]
    np.testing.assert_array_equal(*slopes)
    assert (np.asarray(slopes[0])[1:-1] > 0).all()


def test_at_temperature_near_zero_gumbel_draws_are_bits():
    sent = draws("gumbel", 0.3, temperature=1e-4)
    assert ((sent < 1e-6) | (sent > 1 - 1e-6)).mean() > 0.99


def test_who_hears_nobody_receives_silence():
    messages = jnp.array([[0.0, 1.0], [1.0, 0.25], [1.0, 1.0]])
    hears = jnp.array([[False, True, False], [False, False, False], [True, True, False]])
    message, received = channel.deliver(messages, hears)
    np.testing.assert_array_equal(message, [[1.0, 0.25], [0.5, 0.5], [0.5, 0.625]])
    np.testing.assert_array_equal(received, [[1], [0], [1]])
    apart, received = channel.deliver_apart(messages, hears)
    np.testing.assert_array_equal(apart[0], [0.5, 0.5, 1.0, 0.25, 0.5, 0.5])
    np.testing.assert_array_equal(apart[2], [0.0, 1.0, 1.0, 0.25, 0.5, 0.5])
    np.testing.assert_array_equal(received, [[1], [0], [1]])


def test_everybody_else_is_heard_but_not_oneself():
    messages = jnp.arange(3.0)[:, None]
    message, _ = channel.deliver(messages, channel.others(3))
    np.testing.assert_array_equal(message[:, 0], [1.5, 1.0, 0.5])


def test_gradients_reach_exactly_those_who_are_heard():
    hears = jnp.array([[False, True], [False, False]])

    def heard(messages):
        return channel.deliver(messages, hears)[0].sum()

    np.testing.assert_array_equal(jax.grad(heard)(jnp.ones((2, 3))), [[0, 0, 0], [1, 1, 1]])


def test_messages_are_lost_with_their_chance_and_none_is_made_up():
    hears = jnp.broadcast_to(channel.others(2), (MANY, 2, 2))
    kept = np.asarray(channel.lost(jax.random.key(0), hears.reshape(-1, 2), 0.3)).reshape(hears.shape)
    assert not kept[:, [0, 1], [0, 1]].any()
    for way in (kept[:, 0, 1], kept[:, 1, 0]):
        assert abs(way.mean() - 0.7) < 4 * (0.3 * 0.7 / MANY) ** 0.5


def test_the_space_of_what_is_heard():
    assert heard_space(Real((3,)), 2) == Heard(Real((3,)), Real((2,), 0.0, 1.0), Real((1,), 0.0, 1.0))


@pytest.mark.parametrize("wrong", [{"noise": -1.0}, {"unit": "wire"}, {"temperature": 0.0}, {"noise": float("nan")}])
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(SettingError, match=next(iter(wrong))):
        Channel(**wrong)
