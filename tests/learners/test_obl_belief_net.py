"""The network of beliefs about a hand: against enumeration, against counting, and what it learns from play."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tacit import games, nets, nets_value
from tacit.errors import Misfit
from tacit.games.hanabi import HanabiGame, beliefs, beliefs_by_slot
from tacit.games.hanabi.beliefs import facts
from tacit.games.on_turn import OnTurn
from tacit.learners import obl_belief_net as belief_net
from tacit.learners.obl_beliefs import along
from tacit.loops import joint, player, rollout, start
from tacit.nets_value import Soft
from tacit.ops.optimizer import adam

GAME = HanabiGame(colors=2, ranks=3, hand=2, information=3, lives=2)
TRIO = HanabiGame(players=3, colors=2, ranks=3, hand=3, information=4, lives=3)
WIDTH, GAMES, LENGTH = 8, 4, 24


@functools.cache
def play(game, num_games=GAMES, length=LENGTH):
    """Random games of a network that says much by what it does: the network, and the steps `[T, B, ...]`."""
    net = nets_value.action_values(jax.random.key(1), game.spec, 8, "a test")
    params, moves, policy = Soft(net, jnp.float32(0.1)), OnTurn(game), nets_value.policy()

    @jax.jit
    def played():
        act = functools.partial(joint((policy,)), params=(params,))
        live = start(jax.random.key(2), moves, (policy,), num_games)
        return rollout(jax.random.key(3), moves, act, live, length)[1]

    return params, jax.tree.map(jnp.asarray, played())


@functools.cache
def random_net(game):
    """A network that has opinions."""
    shapes = jax.eval_shape(lambda key: belief_net.belief_net(key, game, WIDTH), jax.random.key(0))
    random = np.random.default_rng(0)
    with jax.ensure_compile_time_eval():
        return jax.tree.map(lambda leaf: jnp.asarray(random.normal(0, 0.5, leaf.shape), jnp.float32), shapes)


def the_belief(key, belief):
    del key
    return belief


def seen_of(game, played):
    return belief_net.watched(game, jnp.zeros((played.fresh.shape[1], game.players, WIDTH)), played)


def states_of(played):
    """Every third state of the first game, the last rounds among them."""
    return jax.tree.map(lambda leaf: leaf[::3, 0], played.state)


@pytest.mark.parametrize("game", [GAME, TRIO], ids=["two players", "three players"])
def test_an_untrained_network_believes_what_the_rules_tell(game):
    net, context = belief_net.belief_net(jax.random.key(0), game, WIDTH), jnp.ones(WIDTH)

    @jax.jit
    @jax.vmap
    def both(state):
        known, hand = facts(game, state, 1), state.hands[1]
        each = [belief_net.log_probs(net, context, known, hand), belief_net.log_probs(None, context, known, hand)]
        return jnp.stack(each).sum(axis=1), beliefs_by_slot.log_prob(game, state, 1, hand)

    ours, counted = both(states_of(play(game)[1]))
    np.testing.assert_allclose(ours, np.broadcast_to(counted[:, None], ours.shape), atol=1e-5)
    assert np.abs(counted).max() > 1


def test_the_probabilities_of_all_hands_add_up_to_one():
    hands = jnp.asarray(beliefs.hypotheses(GAME))

    @jax.jit
    @jax.vmap
    def total(state):
        known = facts(GAME, state, 0)
        every = jax.vmap(lambda hand: belief_net.log_probs(random_net(GAME), jnp.ones(WIDTH), known, hand).sum())(hands)
        fits = (hands >= 0) == known.held[None]
        return jnp.where(fits.all(axis=1), jnp.exp(every), 0.0).sum()

    np.testing.assert_allclose(total(states_of(play(GAME)[1])), 1.0, atol=1e-5)


def test_samples_come_as_often_as_the_network_says_and_leave_a_whole_deck():
    count, hands = 4000, jnp.asarray(beliefs.hypotheses(GAME))
    state = jax.tree.map(lambda leaf: leaf[3, 0], play(GAME)[1].state)

    @jax.jit
    def drawn():
        known, keys = facts(GAME, state, 0), jax.random.split(jax.random.key(5), count)
        found = jax.vmap(lambda key: belief_net.sample(key, random_net(GAME), jnp.ones(WIDTH), known))(keys)
        told = jax.vmap(lambda hand: belief_net.log_probs(random_net(GAME), jnp.ones(WIDTH), known, hand).sum())(hands)
        whole = ((hands >= 0) == known.held[None]).all(axis=1)
        decks = jax.vmap(lambda hand: GAME.with_hidden(state, 0, hand).deck)(found)
        return found, jnp.where(whole, jnp.exp(told), 0.0), decks

    found, chances, decks = jax.tree.map(np.asarray, drawn())
    shares = (found[:, None] == np.asarray(hands)[None]).all(axis=2).mean(axis=0)
    deviation = (chances * (1 - chances) / count) ** 0.5
    assert (np.abs(shares - chances) <= 5 * deviation + 1e-6).all()
    assert chances.max() < 0.9
    assert (decks >= 0).all()
    assert (decks.sum(axis=1) == state.deck.sum()).all()


def test_samples_can_always_be():
    """At every move of some games, the last rounds and hands that lack a card included."""
    game = HanabiGame(colors=3, ranks=4, hand=5)
    net, (params, played) = random_net(game), play(game)

    @jax.jit
    def possible():
        seen = seen_of(game, played)
        keys = jax.random.split(jax.random.key(6), (*played.fresh.shape, 1))
        along = belief_net.learned(game, WIDTH).along
        hands = along(keys, params, net, seen.memory[0], played)[1][:, :, 0]
        fit = functools.partial(beliefs.consistent, game)
        return jax.vmap(jax.vmap(fit))(played.state, played.state.player, hands), hands

    fits, hands = possible()
    assert fits.all()
    assert len(np.unique(np.asarray(hands).reshape(-1, game.hand_size), axis=0)) > 20


def test_a_batch_cut_in_two_is_remembered_as_one_and_a_new_game_is_not_an_old_one():
    net, played = random_net(GAME), play(GAME)[1]

    @jax.jit
    def both():
        memory, about = belief_net.contexts(net, seen_of(GAME, played))
        first, second = (jax.tree.map(lambda leaf, p=part: leaf[p], played) for part in (slice(0, 9), slice(9, None)))
        middle, start = belief_net.contexts(net, seen_of(GAME, first))
        last, end = belief_net.contexts(net, belief_net.watched(GAME, middle, second))
        return (memory, about), (last, jnp.concatenate([start, end]))

    whole, cut = both()
    jax.tree.map(functools.partial(np.testing.assert_allclose, atol=1e-5), whole, cut)
    fresh = np.argwhere(np.asarray(played.fresh[1:]))
    time, game = fresh[0] + np.array([1, 0])
    look = net.look(GAME.observe(jax.tree.map(lambda leaf: leaf[time, game], played.state))[0])
    wanted = net.about(nets.remember(net.memory, look, jnp.zeros(WIDTH)), look)
    np.testing.assert_allclose(whole[1][time, game, 0], wanted, atol=1e-5)


def test_the_loss_is_the_mean_over_a_hand_then_over_players_and_steps():
    played = play(GAME)[1]
    untrained = belief_net.belief_net(jax.random.key(0), GAME, WIDTH)

    @jax.jit
    def found():
        def one(state):
            each = [beliefs_by_slot.log_prob(GAME, state, seat, state.hands[seat]) for seat in range(2)]
            return -jnp.stack(each) / (state.hands >= 0).sum(axis=1)

        wanted = jax.vmap(jax.vmap(one))(played.state).mean()
        seen = seen_of(GAME, played)
        return belief_net.loss(untrained, seen), wanted, jax.grad(belief_net.loss, has_aux=True)(random_net(GAME), seen)

    losses, wanted, (gradient, _) = found()
    np.testing.assert_allclose(losses, [wanted, wanted], rtol=1e-5)
    assert (np.asarray(played.state.hands) < 0).any()  # hands that lack a card are among them
    assert all(np.isfinite(leaf).all() and np.abs(leaf).max() > 0 for leaf in jax.tree.leaves(gradient))


def test_what_is_learned_lies_between_counting_and_the_exact_belief():
    """It cannot beat Bayes' rule but by what it learns by heart: it is judged by games that it has not seen."""
    params, played = play(GAME, 256, 16)
    net = belief_net.belief_net(jax.random.key(0), GAME, WIDTH)
    unseen = slice(128, None)

    @jax.jit
    def found():
        seen, test = (
            seen_of(GAME, jax.tree.map(lambda leaf, p=part: leaf[:, p], played)) for part in (slice(128), unseen)
        )
        optimizer = adam(1e-2)
        trained = belief_net.studied(jax.random.key(7), net, optimizer.init(net), optimizer, seen, 25, 4)[0]
        listing, steps = GAME.hypotheses(), jax.tree.map(lambda leaf: leaf[:, unseen], played)
        evidence = jnp.zeros((128, 2, len(listing.hidden())))
        keys = jax.random.split(jax.random.key(0), steps.fresh.shape)
        belief = along(keys, GAME, params, evidence, steps, the_belief)[1]
        turn = steps.state.player.astype(jnp.int32)
        own = jax.vmap(jax.vmap(lambda hands, seat: hands[seat]))(steps.state.hands, turn)
        true = (listing.hidden()[None, None] == own[:, :, None]).all(axis=3)
        exact = -jnp.where(true, belief, 0.0).sum(axis=2) / (own >= 0).sum(axis=2)

        def of_mover(net):
            def one(context, known, hands, seat):
                mine = jax.tree.map(lambda leaf: leaf[seat], (context, known, hands))
                return -belief_net.log_probs(net, *mine).sum() / mine[1].held.sum()

            return jax.vmap(jax.vmap(one))(about, test.known, test.hands, turn).mean()

        about = belief_net.contexts(trained, test)[1]
        return of_mover(None), of_mover(trained), exact.mean()

    counting, trained, exact = found()
    assert exact < trained < counting
    assert counting - trained > 0.1 * (counting - exact)  # not by chance


def test_only_hands_of_hanabi_are_learned():
    with pytest.raises(Misfit, match="belief learned is for hands of Hanabi"):
        belief_net.learned(games.make("tiny-hanabi-b"), WIDTH)


def test_a_player_reads_only_what_it_sees():
    """What lies in its own hand changes nothing of what it guesses from."""
    net, played = random_net(GAME), play(GAME)[1]
    keys = jax.random.split(jax.random.key(8), played.fresh.shape)

    def dealt_anew(key, state):
        return GAME.with_hidden(state, 0, GAME.sample_hidden(key, state, 0))

    @jax.jit
    def both():
        other = played._replace(state=jax.vmap(jax.vmap(dealt_anew))(keys, played.state))
        return [belief_net.contexts(net, seen_of(GAME, steps))[1][:, :, 0] for steps in (played, other)]

    one, other = both()
    np.testing.assert_array_equal(one, other)
    assert player(0, one).shape == (GAMES, WIDTH)
