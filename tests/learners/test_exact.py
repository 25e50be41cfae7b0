"""Learning rules in closed form against second, differently written versions of their equations."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import tacit
from tacit import games, loops
from tacit.games.matrix_exact import values
from tacit.learners import cgd, hola, lola, naive, sos
from tacit.learners.versus import Pair, Versus

GAMES = {
    "ipd": games.make("ipd"),
    "imp": games.make("imp"),
    "chicken": games.make("chicken", payoff=(0, 0, -1, 1, 1, -1, -3, -3)),
}


def random_logits(game, seed=0):
    return jax.random.normal(jax.random.key(seed), (2, 1 if game.length == 1 else 5))


def direction(module, game, logits, **settings):
    """Where one update moves both players' logits."""
    learner = module.make(game, module.Config(lr=1.0, **settings))
    state = learner.init(jax.random.key(0))._replace(logits=logits)
    return learner.step(jax.random.key(1), state)[0].logits - logits


def both(objective, logits):
    """Each player's gradient, by its own logits, of `objective(own, logits, i)`."""
    return jnp.stack([jax.grad(objective)(logits[i], logits, i) for i in range(2)])


def with_own(own, logits, i):
    return logits.at[i].set(own)


@pytest.mark.parametrize("name", GAMES)
class TestDirections:
    def test_naive(self, name, x64):
        game, logits = GAMES[name], random_logits(GAMES[name])
        expected = both(lambda own, x, i: values(game, with_own(own, x, i))[i], logits)
        np.testing.assert_allclose(direction(naive, game, logits), expected, rtol=1e-9, atol=1e-12)

    @pytest.mark.parametrize("form", ["paper", "taylor"])
    def test_lola_by_the_product_rule_left_to_jax(self, name, form, x64):
        game, logits, rate = GAMES[name], random_logits(GAMES[name], 1), 0.7

        def objective(own, x, i):
            x, j = with_own(own, x, i), 1 - i
            gradient = jax.jacrev(functools.partial(values, game))(x)  # [value, player, state]
            effect = jax.lax.stop_gradient(gradient[i, j]) if form == "paper" else gradient[i, j]
            return values(game, x)[i] + rate * effect @ gradient[j, j]

        found = direction(lola, game, logits, form=form, rate=rate)
        np.testing.assert_allclose(found, both(objective, logits), rtol=1e-8, atol=1e-12)

    @pytest.mark.parametrize("steps", [1, 3])
    def test_lola_lookahead(self, name, steps, x64):
        game, logits, rate = GAMES[name], random_logits(GAMES[name], 2), 0.5

        def objective(own, x, i):
            x, j = with_own(own, x, i), 1 - i
            for _ in range(steps):
                x = x.at[j].add(rate * jax.jacrev(functools.partial(values, game))(x)[j, j])
            return values(game, x)[i]

        found = direction(lola, game, logits, form="lookahead", rate=rate, steps=steps)
        np.testing.assert_allclose(found, both(objective, logits), rtol=1e-8, atol=1e-12)

    def test_orders_of_lola(self, name, x64):
        game, logits = GAMES[name], random_logits(GAMES[name], 3)
        zeroth, first = (direction(hola, game, logits, order=order, rate=0.5) for order in (0, 1))
        np.testing.assert_allclose(zeroth, direction(naive, game, logits), rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(
            first, direction(lola, game, logits, form="lookahead", rate=0.5), rtol=1e-9, atol=1e-12
        )
        assert np.abs(direction(hola, game, logits, order=2, rate=0.5) - first).max() > 1e-4

    def test_sos_from_its_definition(self, name, x64):
        game, logits, rate, a, b = GAMES[name], random_logits(GAMES[name], 4), 1.0, 0.5, 0.1
        jacobian = jax.jacrev(functools.partial(values, game))
        gradient = jacobian(logits)
        xi = jnp.stack([gradient[0, 0], gradient[1, 1]])

        def look(own, x, i):
            return rate * jacobian(with_own(own, x, i))[i, 1 - i] @ xi[1 - i]

        def shape(own, x, i):
            return rate * gradient[i, 1 - i] @ jacobian(with_own(own, x, i))[1 - i, 1 - i]

        ahead, shaping = xi + both(look, logits), both(shape, logits)
        along = jnp.vdot(shaping, ahead)
        p1 = 1.0 if along >= 0 else min(1.0, float(-a * jnp.vdot(ahead, ahead) / along))
        p2 = float(jnp.vdot(xi, xi)) if jnp.linalg.norm(xi) < b else 1.0
        expected = ahead + min(p1, p2) * shaping
        np.testing.assert_allclose(direction(sos, game, logits, a=a, b=b), expected, rtol=1e-8, atol=1e-12)

    def test_cgd_by_the_whole_system(self, name, x64):
        game, logits, rate = GAMES[name], random_logits(GAMES[name], 5), 0.8
        n = logits.shape[1]
        hessian = jax.hessian(functools.partial(values, game))(logits)  # [value, i, n, j, n]
        gradient = jax.jacrev(functools.partial(values, game))(logits)
        system = np.eye(2 * n)
        system[:n, n:], system[n:, :n] = -rate * hessian[0, 0, :, 1, :], -rate * hessian[1, 1, :, 0, :]
        expected = np.linalg.solve(system, np.concatenate([gradient[0, 0], gradient[1, 1]])).reshape(2, n)
        np.testing.assert_allclose(direction(cgd, game, logits, rate=rate), expected, rtol=1e-7, atol=1e-10)

    @pytest.mark.parametrize("module", [lola, hola, sos, cgd])
    def test_without_a_rate_everyone_is_naive(self, name, module, x64):
        game, logits = GAMES[name], random_logits(GAMES[name], 6)
        found = direction(module, game, logits, rate=0.0)
        if module is sos:  # near a fixed point SOS weighs its shaping term, which is 0 here
            assert np.isfinite(found).all()
        np.testing.assert_allclose(found, direction(naive, game, logits), rtol=1e-9, atol=1e-12)


# Mean and sd over agents of an independent float64 implementation, 1000 seeds, 200 updates, lr = rate = 1; the share of
# tit-for-tat read-outs at 0.95 in percent.
REFERENCE = {
    "paper": (-1.040, 0.159, 80.7),
    "taylor": (-1.056, 0.192, 82.9),
    "lookahead": (-1.091, 0.235, 74.3),
}


@pytest.mark.parametrize("form", REFERENCE)
def test_lola_finds_tit_for_tat(form):
    seeds = 400
    result = tacit.run(lola.make, games.make("ipd"), lola.Config(form=form), iterations=200, seeds=seeds)
    mean, sd, percent = REFERENCE[form]
    # the two agents of a seed cooperate or fail together, so a seed counts once; both runs have sampling error
    error = sd * (1 / seeds + 1 / 1000) ** 0.5
    assert abs(result.metrics["value"][-1].mean() - mean) < 4 * error
    probs = jax.nn.sigmoid(result.state.logits)
    as_tit_for_tat = np.where(np.array([1, 0, 1, 0, 1]) == 1, probs, 1 - probs) > 0.95
    each = 100 * as_tit_for_tat.reshape(seeds, -1).mean(1)
    assert abs(each.mean() - percent) < 4 * each.std(ddof=1) * (1 / seeds + 1 / 1000) ** 0.5


def test_lola_against_naive_as_published_with_meta_value_learning():
    """Last-step rewards of the paper's form after 300 updates: -1.357 and -1.377, standard errors 0.015."""
    config = Pair(lola.Config(), naive.Config())
    result = tacit.run(Versus(lola.make, naive.make), games.make("ipd"), config, iterations=300, seeds=1000)
    last = result.metrics["value"][-1]
    error = (0.015**2 + last.std(0, ddof=1).max() ** 2 / 1000) ** 0.5
    assert np.abs(last.mean(0) - np.array([-1.357, -1.377])).max() < 4 * error


def test_a_sweep_over_rates_and_payoffs_compiles_once():
    game = games.make("ipd")
    tacit.run(lola.make, game, lola.Config(), iterations=3, seeds=2)
    before = loops._compiled(False)._cache_size()
    for lr in (0.1, 0.3, 0.5, 0.7, 0.9):
        tacit.run(lola.make, game, lola.Config(lr=lr), iterations=3, seeds=2)
    for lowest in (-3.0, -4.0, -5.0, -6.0, -7.0):
        payoff = (-1, -1, lowest, 0, 0, lowest, -2, -2)
        tacit.run(lola.make, games.make("ipd", payoff=payoff, discount=0.9), lola.Config(), iterations=3, seeds=2)
    assert loops._compiled(False)._cache_size() == before


def test_float64_is_kept(x64):
    result = tacit.run(naive.make, games.make("ipd"), naive.Config(), iterations=2, seeds=1)
    assert result.state.logits.dtype == np.float64
