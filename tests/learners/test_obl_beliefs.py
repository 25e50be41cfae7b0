"""What the actions of others tell, along sampled play: against the beliefs that ask the policies themselves."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tacit import games, nets_value
from tacit.errors import Misfit
from tacit.games import two_step_exact
from tacit.games.hanabi import HanabiGame, beliefs_policy
from tacit.games.hypotheses import posterior
from tacit.games.on_turn import OnTurn
from tacit.games.two_step import Deal
from tacit.games.two_step_tables import tabulated
from tacit.learners.obl_beliefs import along, told
from tacit.loops import joint, rollout, start
from tacit.nets_value import Soft

SMALL = HanabiGame(colors=2, ranks=3, hand=2, information=3, lives=2)
TRIO = HanabiGame(players=3, colors=2, ranks=2, hand=1, information=3, lives=2)
LENGTH = 14


def soft(game, temperature=1.0):
    net = nets_value.action_values(jax.random.key(1), game.spec, 8, "a test")
    return Soft(net, jnp.float32(temperature))


def the_belief(key, belief):
    del key
    return belief


@functools.cache
def beliefs_along(game):
    """Beliefs of who is on turn along random games, by this file's subject and by `beliefs_policy`, `[T, H]` each."""
    moves, params, policy = OnTurn(game), soft(game), nets_value.policy()

    @jax.jit
    def play():
        act = functools.partial(joint((policy,)), params=(params,))
        live = start(jax.random.key(2), moves, (policy,), 1)
        played = rollout(jax.random.key(3), moves, act, live, LENGTH)[1]
        size = len(game.hypotheses().hidden())
        keys = jax.random.split(jax.random.key(0), played.fresh.shape)
        ours = along(keys, game, params, jnp.zeros((1, game.players, size)), played, the_belief)[1][:, 0]
        steps = jax.tree.map(lambda leaf: leaf[:, 0], played._replace(action=played.action.repeat(game.players, 2)))
        others = jnp.arange(game.players)[None] != steps.state.player[:, None]
        steps = steps._replace(action=jnp.where(others, game.num_moves, steps.action))
        policies, each = (policy,) * game.players, (params,) * game.players
        theirs = [beliefs_policy.along(game, seat, policies, each, steps) for seat in range(game.players)]
        return ours, jnp.stack(theirs), steps.state.player

    ours, theirs, player = jax.tree.map(np.asarray, play())
    return ours, theirs[player, np.arange(LENGTH)]


@pytest.mark.parametrize("game", [SMALL, TRIO], ids=["two players", "three players"])
def test_the_belief_is_that_of_asking_the_policies(game):
    ours, theirs = beliefs_along(game)
    np.testing.assert_allclose(np.exp(ours), np.exp(theirs), atol=2e-5)
    assert (np.exp(ours).max(axis=1) < 0.99).any()


def test_what_was_done_tells_something():
    ours, _ = beliefs_along(SMALL)
    game = SMALL
    moves, policy = OnTurn(game), nets_value.policy()

    @jax.jit
    def plain():
        act = functools.partial(joint((policy,)), params=(soft(game),))
        live = start(jax.random.key(2), moves, (policy,), 1)
        states = rollout(jax.random.key(3), moves, act, live, LENGTH)[1].state
        listing = game.hypotheses()
        return jax.vmap(lambda state: listing.grounded(state, state.player))(jax.tree.map(lambda x: x[:, 0], states))

    assert np.abs(np.exp(ours) - np.exp(plain())).max() > 0.05


@pytest.mark.parametrize("game", [SMALL, TRIO], ids=["two players", "three players"])
def test_views_are_what_is_seen_of_a_game_dealt_anew(game):
    listing, viewer, player = game.hypotheses(), jnp.int32(0), jnp.int32(1)

    @jax.jit
    def both():
        state = game.reset(jax.random.key(5))
        views = listing.views(state, viewer, player)

        def seen(hand):
            supposed = game.with_hidden(state, player, hand)
            return game.observe(supposed)[viewer], game.legal(supposed)[viewer]

        obs = jnp.broadcast_to(views.common, (len(views.differing), *views.common.shape))
        return obs.at[:, listing.place].set(views.differing), views.legal, jax.vmap(seen)(listing.hidden())

    obs, legal, (real_obs, real_legal) = jax.tree.map(np.asarray, both())
    whole = np.asarray(listing.hidden()).min(axis=1) >= 0
    np.testing.assert_array_equal(obs[whole], real_obs[whole])
    np.testing.assert_array_equal(legal[whole], real_legal[whole])


@pytest.mark.parametrize("doubt", [0.2, 1.0])
def test_in_doubt_a_share_of_moves_is_taken_for_random_among_the_legal_ones(doubt):
    game, viewer, player = SMALL, jnp.int32(0), jnp.int32(1)
    listing, params = game.hypotheses(), soft(SMALL, 0.1)

    @jax.jit
    def both():
        state = game.reset(jax.random.key(5))

        def chances(hand):
            supposed = game.with_hidden(state, player, hand)
            legal = game.legal(supposed)[viewer]
            played = jnp.exp(nets_value.soft_value(params, game.observe(supposed)[viewer], legal)[1])
            return (1 - doubt) * played + doubt * legal / legal.sum()

        doubted = params._replace(doubt=jnp.float32(doubt))
        ours = [told(listing, doubted, state, viewer, player, jnp.int32(a)) for a in range(game.num_moves)]
        return jnp.exp(jnp.stack(ours, axis=1)), jax.vmap(chances)(listing.hidden())[:, : game.num_moves]

    ours, wanted = jax.tree.map(np.asarray, both())
    whole = np.asarray(listing.hidden()).min(axis=1) >= 0
    np.testing.assert_allclose(ours[whole], wanted[whole], atol=1e-6)
    assert (wanted[whole] == 0).any(), "some hints are not legal"


@pytest.mark.parametrize("name", ["tiny-hanabi-e", "tiny-hanabi-f", "pet-light"])
def test_in_two_step_games_it_is_the_exact_belief(name):
    game = games.make(name)
    sizes, params = game.sizes, soft(game)

    @jax.jit
    def ours():
        listing = game.hypotheses()
        seen = jnp.eye(sizes.first + game.num_sets + 1)[: sizes.first]
        first = jax.nn.log_softmax(jax.vmap(params.net)(seen)[:, : sizes.openings])
        evidence = first[listing.hidden().first]  # [H, a1]

        def after(c1, c2, a1):
            state = game.reset(jax.random.key(0), Deal(c1, c2))._replace(opening=a1)
            return posterior(listing.grounded(state, jnp.int32(1)), evidence[:, a1])

        every = [jnp.asarray(each.ravel(), jnp.int32) for each in np.indices(sizes[:3])]
        return first, jax.vmap(after)(*every)

    first, found = ours()
    believed = np.asarray(two_step_exact.belief(game, first)).sum(axis=3)  # [i, c1, c2]
    wanted = believed[game.shown.ravel()].reshape(len(found), -1)
    np.testing.assert_allclose(np.exp(found), wanted, atol=1e-6)


def test_draws_of_the_deal_agree_with_what_is_seen():
    game = games.make("tiny-hanabi-f")

    @jax.jit
    def draw():
        state = game.reset(jax.random.key(0), Deal(jnp.int32(1), jnp.int32(2)))._replace(opening=jnp.int32(0))
        keys = jax.random.split(jax.random.key(1), 3000)
        return [jax.vmap(lambda key, p=p: game.sample_hidden(key, state, p))(keys) for p in (0, 1)]

    first, second = jax.tree.map(np.asarray, draw())
    assert (first.first == 1).all()
    assert (second.second == 2).all()
    for shares in (np.bincount(first.second) / 3000, np.bincount(second.first) / 3000):
        np.testing.assert_allclose(shares, 1 / 3, atol=4 * (2 / 9 / 3000) ** 0.5)


def test_a_game_that_hides_the_opening_cannot_list_what_is_hidden():
    payoff = np.zeros((2, 1, 2, 2))
    game = tabulated(payoff, shown=np.zeros((2, 1, 2), int))
    with pytest.raises(Misfit, match="player 2 sees the opening"):
        game.hypotheses()


def test_too_many_hands_cannot_be_listed():
    with pytest.raises(Misfit, match="hands"):
        HanabiGame().hypotheses()
