"""What moves tell in bits: planted codes against every hand there is, known posteriors, policies that tell nothing."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tacit.evaluation.conventions_bits import exact, hedged, sampled
from tacit.games.hanabi import HanabiGame, beliefs
from tacit.games.hanabi.beliefs_policy import along
from tacit.games.hanabi.observation import sections
from tacit.loops import episodes
from tacit.ops import categorical
from tacit.types import Policy, Step

TINY = HanabiGame(colors=2, ranks=2, hand=2, information=3, lives=2)  # 8 cards: R1 R1 R1 R2 and the same in yellow
SMALL = HanabiGame(colors=2, hand=2, information=3, lives=1)
DISCARD_OLDEST, PLAY_OLDEST, HINT = 0, 2, 4  # the first color hint; rank hints follow
SURE = 0.0, -1e9


PLANTED, PLAIN, MUTE = range(3)  # parameters of `scripted`


def scripted(key, params, carry, obs, legal, fresh, given=None):
    """One of three players; where it may not do what it would, the first thing that it may.

    PLANTED tells the rank of the newest card if that is playable, else its color; PLAIN the color of the oldest card;
    MUTE never hints.
    """
    at = sections(TINY)
    hand = jnp.argmax(obs[at.hands].reshape(2, 4), axis=1)
    reached = obs[at.fireworks].reshape(2, 2)
    height = jnp.where(reached.any(1), 1 + jnp.argmax(reached, axis=1), 0)
    color, rank = hand // 2, hand % 2
    by_code = jnp.where(rank[1] == height[color[1]], HINT + 2 + rank[1], HINT + color[1])
    wanted = jnp.stack([by_code, HINT + color[0], jnp.array(DISCARD_OLDEST)])[params]
    action = jnp.where(legal[wanted], wanted, jnp.argmax(legal))
    log_probs = jnp.where(jnp.arange(len(legal)) == action, *SURE)
    return carry, *categorical.choose(key, log_probs, jnp.zeros(()), given)


POLICY = Policy(tuple, scripted)


@jax.jit
def play(code):
    steps = episodes(jax.random.key(3), TINY, (POLICY,) * 2, (code,) * 2, 12)[1]
    steps = jax.tree.map(lambda leaf: jnp.moveaxis(leaf, 0, 1), steps)
    return steps, jax.vmap(lambda one: exact(TINY, (POLICY,) * 2, (code,) * 2, jnp.zeros(()), one))(steps)


def games(code):
    """Some games, leaves `[B, T, ...]`, what their moves told, exactly and without hedging, and which were made."""
    steps, told = jax.tree.map(np.asarray, play(jnp.int32(code)))
    return steps, told, ~steps.state.terminated


def by_every_hand(state, after, mover, action):
    """What a planted code tells, by going through all ways to deal the listener's hand from cards it has not seen."""
    listener = 1 - mover
    held = state.hands[listener]
    size = (held >= 0).sum()
    unseen = [card for card in range(4) for _ in range(state.deck[card] + (held == card).sum())]
    ways = list(itertools.permutations(unseen, int(size)))

    def fits(hand, masks):
        color, rank = masks.color_mask[listener], masks.rank_mask[listener]
        return all(color[i] >> c // 2 & 1 and rank[i] >> c % 2 & 1 for i, c in enumerate(hand))

    def does(hand):
        shown = [*hand, *[0] * (2 - len(hand))]  # an empty slot looks like card 0 to these policies
        color, rank = shown[1] // 2, shown[1] % 2
        wanted = 4 + 2 + rank if rank == state.fireworks[color] else 4 + color
        values = {4 + c // 2 for c in hand} | {6 + c % 2 for c in hand}
        if wanted not in values or not state.information:
            wanted = 0 if state.information < 3 else 2
        return wanted

    before = [hand for hand in ways if fits(hand, state)]
    told = [hand for hand in before if fits(hand, after)]
    return np.log2(len(before) / len(told)), -np.log2(np.mean([does(hand) == action for hand in told]))


def test_a_planted_code_tells_what_counting_all_hands_says():
    steps, told, made = games(PLANTED)
    seen = 0.0
    for game, t in np.argwhere(made):
        state, after = jax.tree.map(lambda leaf, at=(game, t): leaf[at], (steps.state, steps.next_state))
        mover = int(state.player)
        by_rules, beyond = by_every_hand(state, after, mover, steps.action[game, t, mover])
        assert told.by_rules[game, t] == pytest.approx(by_rules, abs=1e-5)
        assert told.beyond[game, t] == pytest.approx(beyond, abs=1e-5)
        seen += beyond
    assert seen > 10  # the code was used
    np.testing.assert_array_equal(told.beyond[made], told.at_most[made])


@pytest.mark.parametrize("code", [PLAIN, MUTE], ids=["hints the color of the oldest card", "never hints"])
def test_who_moves_regardless_of_the_hand_tells_nothing_beyond_the_rules(code):
    """A hint that depends on nothing but what it says tells what it says."""
    steps, told, made = games(code)
    tokens = steps.state.information > 0  # without them, a policy that would hint does something else
    np.testing.assert_allclose(told.beyond[made & tokens], 0, atol=1e-6)
    assert (told.by_rules[made].max() > 0.5) == (code == PLAIN)
    hints = made & (steps.action.min(axis=2) >= HINT)
    assert hints.any() == (code == PLAIN)
    np.testing.assert_allclose(told.by_rules[made & ~hints], 0, atol=1e-6)


def uniform(key, params, carry, obs, legal, fresh, given=None):
    return carry, *categorical.choose(key, categorical.log_probs(jnp.zeros(len(legal)), legal), jnp.zeros(()), given)


RANDOM = Policy(tuple, uniform)
OPENINGS = [((0, 8), 100 / 292, 120 / 306), ((0, 0), 30 / 292, 24 / 306)]  # nothing in common; two equal cards


@jax.jit
def opening(order):
    """What player 0 tells by playing its oldest card at once, by all hands and by 4,000."""
    state = SMALL.reset(jax.random.key(0), order)
    action = jnp.array([PLAY_OLDEST, SMALL.num_moves])
    new, outcome = SMALL.step(jax.random.key(1), state, action)
    came = outcome.reward, outcome.reward, outcome.terminated, outcome.truncated
    step = Step(state, (), (), jnp.bool_(True), action, (), *came, new, ())
    known = SMALL, (RANDOM,) * 2, ((), ()), jnp.zeros(())
    listed = exact(*known, jax.tree.map(lambda leaf: leaf[None], step))
    return listed, sampled(jax.random.key(2), *known, step, 4000)


@pytest.mark.parametrize(("hand", "after", "before"), OPENINGS)
def test_the_opening_play_of_a_random_partner(hand, after, before):
    """Known shares of hands after a partner that shows two fives plays at random (docs/beliefs.md)."""
    rest = np.repeat(np.arange(10), SMALL.full_deck).tolist()
    for card in (4, 9, *hand):
        rest.remove(card)
    listed, drawn = opening(jnp.asarray([4, 9, *hand, *rest], jnp.int8))
    wanted = np.log2(after / before)
    assert float(listed.beyond[0]) == pytest.approx(wanted, abs=1e-5)
    assert float(listed.by_rules[0]) == pytest.approx(0, abs=1e-5)
    # Chances are between 1/6 and 1/4, so those of 4,000 hands have a mean that is off by 0.001 (one standard error).
    assert float(drawn.beyond) == pytest.approx(wanted, abs=5 * 0.001 / (1 / 6) / np.log(2))


@pytest.mark.long
def test_drawn_hands_bracket_what_listed_ones_say():
    """Moves of a planted code by 8 drawn hands, with the true one among them and without."""
    steps, _, made = games(PLANTED)
    epsilon = jnp.array(0.02)

    @jax.jit
    def again():
        listed = jax.vmap(lambda one: exact(TINY, (POLICY,) * 2, (jnp.int32(PLANTED),) * 2, epsilon, one))(steps)
        keys = jax.random.split(jax.random.key(4), (30, *made.shape))

        def one(key, step):
            return sampled(key, TINY, (POLICY,) * 2, (jnp.int32(PLANTED),) * 2, epsilon, step, 8)

        return listed, jax.vmap(jax.vmap(jax.vmap(one)), (0, None))(keys, steps)

    listed, drawn = again()
    mean = {name: np.asarray(values)[..., made].mean() for name, values in drawn._asdict().items()}
    assert mean["by_rules"] == pytest.approx(np.asarray(listed.by_rules)[made].mean(), abs=1e-5)
    assert mean["beyond"] < np.asarray(listed.beyond)[made].mean() < mean["at_most"]
    assert np.asarray(drawn.beyond).max() <= np.log2(9) + 1e-5
    assert np.isnan(mean["held"])


def test_what_is_held_is_what_beliefs_under_the_policies_say():
    """With memory, too: random networks that remember, asked through `beliefs_policy.along`."""

    def remembering(key, params, carry, obs, legal, fresh, given=None):
        memory = jnp.tanh(0.5 * jnp.where(fresh, 0.0, carry) + obs.astype(float) @ params[0])
        log_probs = categorical.log_probs(memory @ params[1], legal)
        return memory, *categorical.choose(key, log_probs, jnp.zeros(()), given)

    policy, size = Policy(lambda: jnp.zeros(4), remembering), TINY.spec.observation.shape[0]
    keys = jax.random.split(jax.random.key(5), 2)
    params = [(0.5 * jax.random.normal(k, (size, 4)), 3 * jax.random.normal(k, (4, 9))) for k in keys]
    epsilon = jnp.array(0.1)

    @jax.jit
    def play():
        steps = episodes(jax.random.key(6), TINY, (policy,) * 2, params, 4)[1]
        steps = jax.tree.map(lambda leaf: jnp.moveaxis(leaf, 0, 1), steps)
        told = jax.vmap(lambda one: exact(TINY, (policy,) * 2, params, epsilon, one))(steps)
        readers, known = (hedged(policy),) * 2, [(own, epsilon) for own in params]
        held = [jax.vmap(lambda one, p=p: along(TINY, p, readers, known, one))(steps) for p in range(2)]
        plain = [jax.vmap(jax.vmap(lambda s, p=p: beliefs.grounded(TINY, s, p)))(steps.state) for p in range(2)]
        return steps, told, held, plain

    steps, told, held, plain = jax.tree.map(np.asarray, play())
    hands, made = beliefs.hypotheses(TINY), ~steps.state.terminated
    assert made.sum() > 20
    for game, t in np.argwhere(made):
        mover = steps.state.player[game, t]
        true = int(np.argwhere((hands == steps.state.hands[game, t, mover]).all(axis=1))[0, 0])
        wanted = (held[mover][game, t, true] - plain[mover][game, t, true]) / np.log(2)
        assert told.held[game, t] == pytest.approx(wanted, abs=1e-4)
    assert np.abs(told.held[made]).max() > 0.3
    assert told.held[made].mean() > 0  # beliefs under the true policies are right on average


def test_a_hedged_policy_mixes_with_all_actions():
    log_probs = np.log([0.5, 0.5, 1e-30])

    def act(key, params, carry, obs, legal, fresh, given=None):
        return carry, *categorical.choose(key, jnp.asarray(log_probs), jnp.zeros(()), given)

    policy = Policy(tuple, act)
    assert hedged(policy) is hedged(policy)
    choice = hedged(policy).act(jax.random.key(0), ((), jnp.array(0.3)), (), (), (), False, jnp.int32(2))[2]
    assert np.exp(choice.log_prob) == pytest.approx(0.1)
    np.testing.assert_allclose(np.exp(choice.log_probs), [0.45, 0.45, 0.1], rtol=1e-5)
