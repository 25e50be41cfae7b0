"""Values of lever games: the derived facts of a single round, and the best play of several against brute force."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from tacit import games
from tacit.errors import Misfit
from tacit.evaluation import levers, repeated_levers
from tacit.evaluation.levers import OneApart, one_apart
from tacit.ops.optimizer import descend

TEN = OneApart(low=0.9, equal=9, high=1.0, rounds=1)


def rounds(count):
    return one_apart(games.make("repeated-levers", length=count))


class TestOneRound:
    @pytest.mark.parametrize(("equal", "share"), [(9, 1 / 9), (3, 1 / 3), (4, 1 / 4)])
    def test_best_values(self, equal, share):
        game = games.make("levers", payoffs=(0.9, *equal * (1.0,)))
        assert levers.best(game) == 1.0
        assert levers.best(game, other_play=True) == pytest.approx(0.9)
        worse = games.make("levers", payoffs=(0.9 * share, *equal * (1.0,)))
        assert levers.best(worse, other_play=True) == pytest.approx(share)

    def test_the_objective_of_other_play_is_that_of_the_matrix(self):
        pay = np.asarray(games.make("levers").matrix(other_play=True))
        for p, q in itertools.product((0.0, 0.1, 0.7, 1.0), repeat=2):
            one, two = (np.array([x, *9 * [(1 - x) / 9]]) for x in (p, q))
            value = levers.other_play_value(TEN, np.array(p), np.array(q))
            assert value == pytest.approx(one @ pay @ two, abs=1e-7)

    def test_two_maxima_and_the_barrier_between_them(self):
        grid = np.linspace(0.0, 1.0, 100_001)
        value = levers.other_play_value(TEN, grid, grid)
        lowest = grid[value.argmin()]
        assert lowest == pytest.approx(0.10989, abs=1e-5)
        assert levers.barrier(TEN) == pytest.approx(lowest, abs=1e-5)
        assert value.min() == pytest.approx(0.0989, abs=1e-4)
        assert (value[0], value[-1]) == (pytest.approx(1 / 9), pytest.approx(0.9))
        assert (np.diff(value)[: value.argmin()] < 0).all()
        assert (np.diff(value)[value.argmin() :] > 0).all()
        assert levers.barrier(TEN) > 0.1  # the uniform policy is on the wrong side

    def test_entropy_regularization_prefers_the_wrong_levers(self):
        game = games.make("levers")
        policy = levers.entropy_regularized(game, 0.25)
        np.testing.assert_allclose(policy, [0.0946, *9 * [0.1006]], atol=5e-5)
        assert policy @ np.asarray(game.matrix()) @ policy == pytest.approx(0.0991, abs=5e-5)

    def test_other_forms_are_refused(self):
        for payoffs in ((1.0, 1.0, 1.0), (0.9, 0.9, 1.0), (0.9, 1.0, 1.1), (-1.0, 1.0, 1.0)):
            with pytest.raises(Misfit, match="one pays less than the others"):
                one_apart(games.make("levers", payoffs=payoffs))
        assert one_apart(games.make("levers", payoffs=(4.0, 2.0, 4.0))) == OneApart(0.5, 2, 4.0, 1)


class TestRepeated:
    @pytest.mark.parametrize(("count", "value"), [(10, 9.0), (20, 18.767), (50, 48.767), (100, 98.767)])
    def test_best_play(self, count, value):
        assert repeated_levers.plan(rounds(count)).value == pytest.approx(value, abs=5e-4)

    @pytest.mark.parametrize(("count", "value"), [(10, 8.224), (20, 18.222), (100, 98.222)])
    def test_stick_or_copy(self, count, value):
        assert repeated_levers.stick_or_copy(rounds(count)) == pytest.approx(value, abs=5e-4)

    def test_other_ways_to_play(self):
        assert repeated_levers.always_low(rounds(20)) == pytest.approx(18.0)
        assert repeated_levers.seats_known(rounds(20)) == pytest.approx(20 - 8 / 9)
        worth = [repeated_levers.stick_or_copy(rounds(t)) - repeated_levers.always_low(rounds(t)) for t in (17, 18)]
        assert worth[0] < 0 < worth[1]  # sticking and copying wins from 18 rounds on

    def test_how_the_best_play_goes(self):
        found = repeated_levers.plan(rounds(100))
        assert found.fresh[0] == pytest.approx(0.3, abs=1e-3)
        assert found.paid.sum() == pytest.approx(found.value, abs=1e-9)
        assert 100 - found.value == pytest.approx(1.2333, abs=1e-4)
        assert found.matched[0] == pytest.approx(0.7**2 + 0.3**2 / 9, abs=1e-3)
        assert found.matched[-1] == pytest.approx(1.0)

    def test_the_last_of_three_equal_levers_is_unique(self):
        # two that miss each other leave one lever that nobody pulled: nothing but the first round is at risk
        assert repeated_levers.plan(OneApart(0.5, 3, 1.0, 4)).value == pytest.approx(4 - 2 / 3)

    @pytest.mark.parametrize(
        "form",
        [OneApart(0.4, 2, 1.0, 3), OneApart(0.6, 3, 1.0, 2), OneApart(0.3, 4, 2.0, 2)],
        ids=str,
    )
    def test_no_strategy_is_better(self, form):
        best, found = repeated_levers.plan(form).value, climbed(form)
        assert found.max() == pytest.approx(best, abs=1e-2)  # some ascents come near
        assert found.max() < best + 1e-4


STARTS = 24


@functools.lru_cache
def climbed(form):
    """Values of strategies of whole histories, the same for both players and for all names, after gradient ascent."""
    size = form.equal + 1
    pay = form.high * jnp.diag(jnp.array([form.low, *form.equal * [1.0]]))
    names = jnp.array([(0, *(1 + x for x in order)) for order in itertools.permutations(range(form.equal))])
    every = [list(itertools.product(range(size), repeat=2 * t)) for t in range(form.rounds)]
    pasts = [jnp.array(past, jnp.int32).reshape(len(past), t, 2) for t, past in enumerate(every)]

    def number(past):
        """Where histories `[..., t, 2]` stand among all of their length."""
        digits = past.reshape(*past.shape[:-2], past.shape[-2] * 2)
        return digits @ jnp.array([size**place for place in reversed(range(digits.shape[-1]))], jnp.int32)

    def strategy(logits, past):
        """`[histories, A]`: the mean over all names of what is done under these names."""
        probs = jax.nn.softmax(logits)
        return jnp.mean(jax.vmap(lambda g: probs[number(g[past])][:, g])(names), axis=0)

    def value(logits):
        reached, total = jnp.ones(1), 0.0
        for past, own in zip(pasts, logits, strict=True):
            mine = strategy(own, past)
            theirs = mine[number(past[:, :, ::-1])]
            joint = reached[:, None, None] * mine[:, :, None] * theirs[:, None, :]
            total += jnp.sum(jnp.sum(joint, axis=0) * pay)
            reached = joint.ravel()
        return total

    @jax.jit
    def ascents(key):
        keys = jax.random.split(key, len(pasts))
        draw = [2 * jax.random.normal(k, (STARTS, len(past), size)) for k, past in zip(keys, pasts, strict=True)]
        optimizer = optax.adam(0.1)

        def step(carry, _):
            gradient = jax.grad(lambda x: -jnp.sum(jax.vmap(value)(x)))(carry[0])
            return descend(optimizer, gradient, *carry[::-1]), None

        end = jax.lax.scan(step, (draw, optimizer.init(draw)), length=400)[0][0]
        return jax.vmap(value)(end)

    return np.asarray(ascents(jax.random.key(0)))
