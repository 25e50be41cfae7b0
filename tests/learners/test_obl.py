"""Off-Belief Learning from play: its targets, its ladder against backward induction, levels that follow one another."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tacit import games, loops
from tacit.errors import Misfit
from tacit.evaluation import two_step
from tacit.evaluation.two_step_learned import cross_play_of_levels
from tacit.games.two_step import Deal
from tacit.learners import naive, obl
from tacit.learners.versus import Pair, Versus

TINY = {"num_games": 16, "length": 2, "minibatches": 1, "hidden": 16}
CONFIG = obl.Config(levels=2, updates=150, expected=True, epsilon=1.0, lr=1e-2, **TINY)
SMALL = {"colors": 1, "ranks": 3, "hand": 2, "information": 2, "lives": 2}


@functools.cache
def climbed():
    """Two levels on game B, learned by two runs."""
    game = games.make("tiny-hanabi-b")
    return loops.run(obl.make, game, CONFIG, iterations=300, seeds=2, every=50)


def test_levels_are_those_of_backward_induction():
    run = climbed()
    exact = two_step.ladder(run.game, 0.1, 2).values[1:, 0]
    crossed = cross_play_of_levels(run)
    np.testing.assert_allclose(crossed, np.broadcast_to(exact[:, None, None], crossed.shape), atol=0.01)
    assert exact[1] - exact[0] > 0.3


def test_a_run_plays_its_newest_level_unless_another_is_asked_for():
    run = climbed()
    learner = obl.make(run.game, run.config)
    for level in (1, 2):
        state = loops.player(0, obl.at_level(run, level).state)
        (_, params), _ = learner.policy(state)
        for own, all_levels in zip(jax.tree.leaves(params.net), jax.tree.leaves(run.state.levels), strict=True):
            np.testing.assert_array_equal(own, all_levels[0, level - 1])
    (_, newest), _ = learner.policy(loops.player(0, run.state))
    np.testing.assert_array_equal(newest.net.layers[0].weight, run.state.levels.layers[0].weight[0, 1])


def test_a_level_begins_with_the_network_of_the_one_below_and_leaves_that_as_it_is():
    game = games.make("tiny-hanabi-b")
    config = obl.Config(levels=2, updates=3, expected=True, lr=0.0, **TINY)
    state = loops.run(obl.make, game, config, iterations=4, seeds=1).state
    below, above = (jax.tree.map(lambda leaf, k=k: leaf[0, k], state.levels) for k in (0, 1))
    jax.tree.map(np.testing.assert_array_equal, below, above)
    full = loops.run(obl.make, game, obl.Config(levels=2, updates=3, expected=True, **TINY), iterations=4, seeds=1)
    half = loops.run(obl.make, game, obl.Config(levels=2, updates=3, expected=True, **TINY), iterations=3, seeds=1)
    np.testing.assert_array_equal(full.state.levels.layers[0].bias[:, 0], half.state.levels.layers[0].bias[:, 0])
    assert (full.state.levels.layers[0].bias[:, 1] != half.state.levels.layers[0].bias[:, 0]).any()
    assert full.metrics["level"][:, 0].tolist() == [1, 1, 1, 2]


def test_the_step_size_falls_to_nothing_over_a_level():
    config = obl.Config(levels=2, updates=10, lr=1.0)
    ones = {"w": jnp.ones(2)}

    def moved(iteration):
        optimizer = config.optimizer(jnp.int32(iteration))
        with jax.numpy_dtype_promotion("standard"):
            return float(jnp.abs(optimizer.update(ones, optimizer.init(ones), ones)[0]["w"]).max())

    sizes = [moved(i) for i in (0, 5, 9, 10, 15, 20, 40)]
    np.testing.assert_allclose(sizes, [1.0, 0.5, 0.1, 1.0, 0.5, 0.0, 0.0], atol=1e-4)


@pytest.mark.parametrize("expected", [True, False])
def test_a_lesson_is_the_worth_of_an_action_in_the_game_that_is_supposed(expected):
    game = games.make("tiny-hanabi-b")
    config = obl.Config(expected=expected, **TINY)

    @jax.jit
    def taught():
        net = loops.player(0, climbed().state.levels)
        params = obl.Soft(loops.player(0, net), jnp.float32(0.1))
        state = game.reset(jax.random.key(0), Deal(jnp.int32(0), jnp.int32(1)))._replace(opening=jnp.int32(1))
        supposed = jnp.log(jnp.array([0.0, 0.25, 0.0, 0.75])) if expected else Deal(jnp.int32(1), jnp.int32(1))
        key = jax.random.key(1)
        return obl.lesson(key, state, (), jnp.int32(2), supposed, game=game, params=params, config=config).target

    payoff = np.asarray(game.rewards)[:, 1, 1, 0]  # the first reply to the second opening, c2 = 1
    wanted = 0.25 * payoff[0] + 0.75 * payoff[1] if expected else payoff[1]
    np.testing.assert_allclose(taught(), wanted, rtol=1e-6)


def test_hanabi_is_learned_by_levels_and_a_run_goes_on_bit_for_bit():
    game = games.make("hanabi", **SMALL)
    config = obl.Config(levels=2, updates=2, num_games=4, length=6, minibatches=2, hidden=8)
    pieces = loops.chunks(obl.make, game, config, iterations=4, seeds=[0], seconds=0.0)
    whole = [piece._replace(state=jax.tree.map(np.array, piece.state)) for piece in pieces]  # before it is given away
    first = next(piece.state for piece in whole if piece.iteration == 3)
    rest = list(loops.chunks(obl.make, game, config, iterations=4, seeds=[0], state=first, done=3))[-1]
    jax.tree.map(np.testing.assert_array_equal, whole[-1].state, rest.state)
    assert np.abs(np.asarray(rest.state.memory)).max() > 0


def made(name, config, **rules):
    return lambda: obl.make(games.make(name, **rules), config)


REFUSED = {
    "players move at once": (made("ipd", obl.Config()), "turn-based game of hidden cards"),
    "too many hands": (made("hanabi", obl.Config(levels=2)), "hands"),
    "beside another rule": (
        lambda: Versus(obl.make, naive.make)(games.make("tiny-hanabi-b"), Pair(obl.Config(), naive.Config())),
        "cannot learn beside another rule",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_refused_in_one_line(case):
    make, words = REFUSED[case]
    with pytest.raises(Misfit, match=words) as refused:
        make()
    assert "\n" not in str(refused.value)
