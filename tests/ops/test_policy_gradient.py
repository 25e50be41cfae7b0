"""DiCE and its kin: derivatives of sampled objectives agree with exact ones, to second order and for both players."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tacit import games
from tacit.games.matrix_exact import finite_values
from tacit.learners.tabular import TABULAR
from tacit.loops import joint, rollout, start
from tacit.ops.policy_gradient import clipped_surrogate, dice, loaded_dice, magic_box

ROUNDS, BATCH, BATCHES, DISCOUNT = 5, 1024, 96, 0.96
LOGITS = np.array([[0.6, -0.4, 0.3, -0.8, 0.2], [-0.3, 0.5, 0.9, -0.2, -0.5]], np.float32)


def test_the_magic_box_is_1_and_its_derivatives_are_its_own_times_those_of_its_argument(strict):
    at = jnp.float32(0.7)
    d1, d2, d3 = np.cos(0.7), -np.sin(0.7), -np.cos(0.7)  # of sin
    expected = [1.0, d1, d2 + d1**2, d3 + 3 * d1 * d2 + d1**3]
    function = lambda x: magic_box(jnp.sin(x))  # noqa: E731
    for order in range(4):
        assert function(at) == pytest.approx(expected[order], abs=1e-6)  # a few operations in 32 bits
        function = jax.grad(function)


def log_prob(logits, obs, action):
    """Log-probability of what one player did, `[T, B]`."""
    free = obs @ logits
    return jax.nn.log_sigmoid(jnp.where(action == 0, free, -free))


def derivatives(objective, steps, logits, both=True):
    """dJ_1/dtheta_1 `[5]` and d2J_2/dtheta_1 dtheta_2 `[5, 5]` of one batch's objective.

    Without `both`, each player's objective holds its own log-probabilities alone.
    """

    def value(player, first, second):
        each = [log_prob(x, steps.obs[:, :, i], steps.action[:, :, i]) for i, x in enumerate((first, second))]
        return objective(each[0] + each[1] if both else each[player], steps.reward[:, :, player], DISCOUNT)

    gradient = jax.grad(value, 1)(0, *logits)
    return gradient, jax.jacfwd(jax.grad(value, 2), 1)(1, *logits)


OBJECTIVES = {
    "dice": (dice, True),
    "loaded": (loaded_dice, True),
    "loaded, with decay": (functools.partial(loaded_dice, decay=0.5), True),
    "dice without the other": (dice, False),
}


@functools.cache
def sampled():
    """For each objective, its derivatives on many batches of episodes, `[batches, ...]`."""
    game, policies = games.make("ipd", length=ROUNDS), (TABULAR, TABULAR)
    act = joint(policies)

    def one(key):
        params = tuple(jnp.asarray(LOGITS))
        live = start(key, game, policies, BATCH)
        steps = rollout(key, game, lambda keys, **seen: act(keys, params, **seen), live, ROUNDS, reset=False)[1]
        return {name: derivatives(function, steps, params, both) for name, (function, both) in OBJECTIVES.items()}

    found = jax.jit(lambda keys: jax.lax.map(one, keys))(jax.random.split(jax.random.key(0), BATCHES))
    return jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), found)


@functools.cache
def exact():
    """The same derivatives of the value that is estimated, times 1 - 1/B for the baseline of the batch itself."""
    game = games.make("ipd", length=ROUNDS)

    def value(player, first, second):
        return finite_values(game, jnp.stack([first, second]), ROUNDS)[player]

    @jax.jit
    def both(logits):
        return jax.grad(value, 1)(0, *logits), jax.jacfwd(jax.grad(value, 2), 1)(1, *logits)

    return [(1 - 1 / BATCH) * np.asarray(leaf, np.float64) for leaf in both(LOGITS)]


def mean_and_error(batches):
    return batches.mean(axis=0), batches.std(axis=0, ddof=1) / np.sqrt(BATCHES)


@pytest.mark.parametrize("name", ["dice", "loaded"])
@pytest.mark.parametrize("order", ["first", "mixed second"])
def test_sampled_derivatives_agree_with_exact_ones(name, order):
    which = ("first", "mixed second").index(order)
    mean, error = mean_and_error(sampled()[name][which])
    # four standard errors of the mean over batches: of the 60 numbers compared here, a right one is off once in 250
    assert (np.abs(mean - exact()[which]) < 4 * error).all()
    assert (np.abs(exact()[which]) > 20 * error).any()  # and a derivative that is wrong by a fifth is seen


def test_the_mixed_derivative_needs_the_log_probabilities_of_both_players():
    gradient, mixed = sampled()["dice without the other"]
    assert (mixed == 0).all()
    _, error = mean_and_error(sampled()["dice"][1])
    assert (np.abs(exact()[1]) > 20 * error).any()
    mean, error = mean_and_error(gradient)  # while the first derivative does not
    assert (np.abs(mean - exact()[0]) < 4 * error).all()


def test_loading_alone_changes_nothing_and_its_decay_lowers_the_variance_of_second_derivatives():
    plain, loaded, decayed = (sampled()[name] for name in ("dice", "loaded", "loaded, with decay"))
    for a, b in zip(plain, loaded, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)  # the same sum in another order, in 32 bits
    noise = [mixed.var(axis=0).mean() for _, mixed in (plain, decayed)]
    assert noise[1] < 0.8 * noise[0]


@pytest.fixture(scope="module")
def played():
    generator = np.random.default_rng(0)
    obs = np.eye(5, dtype=np.float32)[generator.integers(0, 5, (ROUNDS, 16))]
    return obs, generator.integers(0, 2, (ROUNDS, 16)), generator.normal(size=(ROUNDS, 16)).astype(np.float32)


def test_decay_leaves_first_derivatives_as_they_are(played, strict):
    obs, action, reward = played

    @jax.jit
    def both(logits, decay):
        def objective(logits):
            return loaded_dice(log_prob(logits, obs, action), jnp.asarray(reward), DISCOUNT, decay)

        return jax.grad(objective)(logits), jax.hessian(objective)(logits)

    whole, less = both(jnp.asarray(LOGITS[0]), 1.0), both(jnp.asarray(LOGITS[0]), 0.3)
    np.testing.assert_allclose(whole[0], less[0], atol=1e-5)  # sums of 80 numbers near 1 in 32 bits
    assert np.abs(whole[1] - less[1]).max() > 1e-2


def test_first_derivatives_equal_the_likelihood_ratio_formula(played, strict):
    obs, action, reward = played
    found = jax.grad(lambda x: dice(log_prob(x, obs, action), jnp.asarray(reward), DISCOUNT))(jnp.asarray(LOGITS[1]))
    chance = 1 / (1 + np.exp(-obs @ LOGITS[1]))
    score = obs * ((action == 0) - chance)[:, :, None]  # of one step; then of all steps up to each
    weight = DISCOUNT ** np.arange(ROUNDS)[:, None] * (reward - reward.mean(axis=1, keepdims=True))
    expected = (np.cumsum(score, axis=0) * weight[:, :, None]).sum(axis=0).mean(axis=0)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_the_value_of_the_objectives_is_0(played, strict):
    obs, action, reward = played
    for objective in (dice, loaded_dice):
        value = objective(log_prob(jnp.asarray(LOGITS[0]), obs, action), jnp.asarray(reward), DISCOUNT)
        assert value == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("ratio", "advantage", "expected", "slope"),
    [
        (1.0, 2.0, 2.0, 2.0),
        (1.5, 1.0, 1.2, 0.0),  # no more to be gained
        (1.5, -1.0, -1.5, -1.0),  # but a loss is felt
        (0.5, 1.0, 0.5, 1.0),
        (0.5, -1.0, -0.8, 0.0),
        (1.1, -3.0, -3.3, -3.0),
    ],
)
def test_known_surrogates(ratio, advantage, expected, slope, strict):
    value, found = jax.value_and_grad(clipped_surrogate)(jnp.float32(ratio), jnp.float32(advantage), 0.2)
    assert value == pytest.approx(expected, rel=1e-6)
    assert found == pytest.approx(slope, rel=1e-6)
