"""Meta-value learning against naive learning, automatic differentiation, hand-made returns, and known fixed points."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import tacit
from tacit import games, loops
from tacit.errors import Misfit
from tacit.games.matrix_exact import normalized_values
from tacit.learners import learned, lola, meta_paths, meta_value, meva, naive
from tacit.learners.meta_game import MetaGame
from tacit.learners.versus import Pair, Versus

SMALL = meva.Config(num_games=3, hidden=8, quantiles=4, stride=2)


def network(size=5, hidden=8, quantiles=4, seed=0):
    return meta_value.init(jax.random.key(seed), size, hidden, quantiles)


def points(count=3, size=5):
    return jax.random.normal(jax.random.key(1), (count, 2, size))


def meeting(name="ipd", rule=None, lr=1.0):
    game = games.make(name)
    return meta_paths.Meeting(game, lr, rule and rule.make(game, rule.Config(), (1,)))


def naive_gradient(game, joint):
    """By another way: automatic differentiation of the values."""
    value = functools.partial(normalized_values, game)
    return jax.vmap(lambda x: jnp.stack([jax.grad(lambda x, i=i: value(x)[i])(x)[i] for i in range(2)]))(joint)


@pytest.mark.parametrize("name", ["ipd", "prisoners-dilemma"])
def test_without_a_future_it_is_naive_learning(name):
    """Where the meta-discount is 0, and, but for its weight, where the network says that no future is better."""
    game = games.make(name)
    joint = points(size=1 if game.length == 1 else 5)
    net, direction = network(joint.shape[2]), jax.jit(meta_paths.direction)
    silent = net._replace(output=jax.tree.map(jnp.zeros_like, net.output))
    gradient = jax.jit(functools.partial(naive_gradient, game))(joint)
    if game.length > 1:
        gradient = gradient / (1 - game.discount)  # the unnormalized value is climbed
    for given, discount in [(net, jnp.zeros((3, 2))), (silent, jnp.array([[0.0, 0.9], [0.5, 0.5], [0.95, 0.2]]))]:
        along, reward = direction(game, given, joint, discount)
        np.testing.assert_allclose(along, (1 - discount)[..., None] * gradient, atol=1e-4)
        np.testing.assert_allclose(reward, jax.vmap(functools.partial(normalized_values, game))(joint), atol=1e-5)


def test_both_gradients_of_the_meta_value_come_from_one_pass():
    net, joint, discount = network(), points(), jnp.array([[0.3, 0.9], [0.5, 0.5], [0.95, 0.0]])

    @jax.jit
    def separately(net, joint, discount):
        def worth(x, g):
            return meta_value.quantiles(net, meta_value.features(net, x[None], g[None]))[..., 0].mean(0)

        whole = jax.vmap(jax.jacrev(worth))(joint, discount)
        return jnp.stack([whole[:, 0, 0], whole[:, 1, 1]], 1), whole[:, 0, 1]

    wanted, cross = separately(net, joint, discount)
    assert float(jnp.abs(cross).max()) > 1e-3  # the other's policy matters, and is held all the same
    np.testing.assert_allclose(jax.jit(meta_value.ahead)(net, joint, discount), wanted, atol=1e-5)


def test_flipped_signs_change_what_exploring_climbs():
    net, joint, discount = network(), points(), jnp.full((3, 2), 0.9)
    ahead = jax.jit(meta_value.ahead)
    plain = ahead(net, joint, discount)
    np.testing.assert_allclose(ahead(net, joint, discount, jnp.ones((8, 2, 3))), plain, atol=1e-6)
    np.testing.assert_allclose(ahead(net, joint, discount, -jnp.ones((8, 2, 3))), -plain, atol=1e-6)


def test_lambda_returns_by_hand():
    reward = jnp.array([1.0, 2.0, 4.0])[:, None, None] * jnp.ones((3, 2, 1))
    after = jnp.array([10.0, 20.0, 40.0])[:, None, None, None] * jnp.ones((3, 5, 2, 1))
    discount = jnp.array([[0.5], [0.0]])

    def first(decay):
        return jax.jit(meta_value.targets)(reward, after, discount, decay)[:, :, :, 0]

    np.testing.assert_allclose(first(0.0)[:, 0, 0], [5.5, 11.0, 22.0])  # (1 - g) r + g U of the next point
    np.testing.assert_allclose(first(1.0)[:, 0, 0], [0.5 + 0.5 + 0.5 + 5.0, 1.0 + 1.0 + 10.0, 22.0])
    np.testing.assert_allclose(first(0.5)[1, :, 0], 1.0 + 0.5 * (10.0 + 11.0))  # the same for every quantile here
    np.testing.assert_allclose(first(0.7)[:, 0, 1], reward[:, 0, 0])  # no meta-discount: the next game alone


def test_quantile_loss_by_hand():
    """Levels 1/4 and 3/4, misses 1 and -1, Huber 1/2: (1/8 + 3/8) / 2 for each of two predictions."""
    found = jax.jit(meta_value.quantile_loss)(jnp.zeros((2, 1)), jnp.array([[1.0], [-1.0]]))
    np.testing.assert_allclose(found, 0.5)
    one = jax.jit(meta_value.quantile_loss)(jnp.zeros((1, 1)), jnp.array([[3.0]]))
    np.testing.assert_allclose(one, 0.5 * 2.5)  # beyond 1 Huber's loss is linear


@pytest.mark.parametrize("rule", [None, lola])
def test_paths_are_how_both_players_learn(rule):
    """With no meta-discount player 1 learns naively, and the other by its rule: the same as the two rules meeting."""
    met = meeting(rule=rule)

    @jax.jit
    def followed(key):
        walkers = met.begin(key, 4, 1.0)
        return walkers, met.follow(key, network(), walkers, jnp.zeros((4, 2)), 3)

    walkers, paths = followed(jax.random.key(2))
    other = rule or naive
    both = Versus(naive.make, other.make)(met.game, Pair(naive.Config(), other.Config()))

    @jax.jit
    @jax.vmap
    def together(joint):
        state = both.init(jax.random.key(0))
        for seat in range(2):
            state = both.with_params(state, seat, joint[seat])
        for _ in range(3):
            state, _ = both.step(jax.random.key(0), state)
        return jnp.stack([params for _, params in both.policy(state)])

    np.testing.assert_allclose(paths.logits[-1], together(walkers.joint), atol=1e-4)
    np.testing.assert_array_equal(paths.logits[0], walkers.joint)
    values = jax.vmap(jax.vmap(functools.partial(normalized_values, met.game)))(paths.logits[1:])
    np.testing.assert_allclose(paths.reward, values, atol=1e-5)  # r_t is what the policies after step t bring


def self_play(name="ipd"):
    return MetaGame(games.make(name), num_players=2)


def test_the_first_target_is_exact():
    """With lambda 0, a network that is silent, and one step: the target is (1 - g) f(x_1)."""
    config = meva.Config(num_games=3, hidden=8, quantiles=1, stride=1, decay=0.0)
    net = network(quantiles=1)
    net = net._replace(output=jax.tree.map(jnp.zeros_like, net.output))
    discount = jnp.array([[0.3, 0.9], [0.5, 0.5], [0.95, 0.0]])

    @jax.jit
    def first(key):
        walkers = meeting().begin(key, 3, 1.0)
        paths = meeting().follow(key, net, walkers, discount, 1)
        return paths, meva.loss(net, net, paths, config)

    paths, (lost, miss) = first(jax.random.key(3))
    wanted = (1 - discount) * paths.reward[0]
    np.testing.assert_allclose(miss, jnp.sqrt(jnp.square(wanted).mean()), rtol=1e-5)
    size = jnp.abs(wanted)
    huber = jnp.where(size <= 1, size**2 / 2, size - 0.5)
    np.testing.assert_allclose(lost, 0.5 * huber.mean(), rtol=1e-5)


def test_a_meta_value_that_is_right_stays():
    """Where nobody moves, the future is worth the present, at every meta-discount: a fixed point of the returns."""
    reward = jax.random.normal(jax.random.key(0), (2, 6))
    rewards, after = jnp.broadcast_to(reward, (4, 2, 6)), jnp.broadcast_to(reward, (4, 3, 2, 6))
    discount = jax.random.uniform(jax.random.key(1), (2, 6))
    np.testing.assert_allclose(jax.jit(meta_value.targets)(rewards, after, discount, 0.9), after, rtol=1e-5)


def test_it_learns_what_a_game_is_worth_where_nobody_moves():
    """A probe with a known answer: without a step size, the meta-value is the value of the game."""
    config = meva.Config(lr=0.0, num_games=32, hidden=16, quantiles=1, value_lr=0.01, slow=0.9)
    result = tacit.run(meva.make, self_play(), config, iterations=10, every=10)
    net = jax.tree.map(lambda leaf: leaf[0], result.state.slow)

    @jax.jit
    def errors(net, key):
        joint, discount = jax.random.normal(key, (256, 2, 5)), meva.discounts(key, 256)
        found = meta_value.mean(net, meta_value.features(net, joint, discount))
        value = jax.vmap(functools.partial(normalized_values, games.make("ipd")))(joint).T
        return jnp.sqrt(jnp.square(found - value).mean()), value.std()

    error, spread = errors(net, jax.random.key(7))
    assert error < 0.6 * spread  # far better than a constant


@pytest.mark.parametrize(("name", "shared"), [("ipd", True), ("imp", False)])
def test_players_share_one_function_where_their_roles_are_the_same(name, shared):
    result = tacit.run(meva.make, self_play(name), SMALL, iterations=1)
    state = jax.tree.map(lambda leaf: leaf[0], result.state)
    assert bool((state.net.role_bias == 0).all()) is shared
    assert bool((state.net.role_gain == 0).all()) is shared
    joint, discount = points(), jnp.array([[0.3, 0.9], [0.5, 0.5], [0.95, 0.0]])
    features = jax.jit(meta_value.features)
    seen = features(state.net, joint, discount)
    swapped = features(state.net, joint[:, ::-1], discount[:, ::-1])[:, ::-1]
    assert bool(jnp.allclose(seen, swapped, atol=1e-5)) is shared


def test_against_a_rule_the_players_are_told_apart():
    result = tacit.run(meva.make, MetaGame(games.make("ipd")), SMALL, iterations=1)
    assert bool((result.state.net.role_bias != 0).any())
    assert result.metrics["reward"].shape == (1, 1, 2)


def test_the_slow_copy_follows():
    learner = meva.make(self_play(), dataclasses.replace(SMALL, slow=0.75))
    before = jax.jit(learner.init)(jax.random.key(0))
    keys = jax.random.split(jax.random.key(2))
    logits, reward = jax.random.normal(keys[0], (3, 3, 2, 5)), jax.random.normal(keys[1], (2, 3, 2))
    paths = meta_paths.Paths(logits, reward, jnp.full((3, 2), 0.5))
    after, _ = jax.jit(learner.update)(jax.random.key(1), before, paths)
    mixed = jax.tree.map(lambda a, b: 0.75 * a + 0.25 * b, before.slow, after.net)
    for found, wanted in zip(jax.tree.leaves(after.slow), jax.tree.leaves(mixed), strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-6)
    assert float(jnp.abs(after.net.own.weight - before.net.own.weight).max()) > 1e-4


def test_meta_discounts_follow_the_arcsine_law():
    drawn = meva.discounts(jax.random.key(0), 5000)
    quarters = jnp.quantile(drawn, jnp.array([0.25, 0.5, 0.75]))  # sin^2 of pi/8, pi/4, 3 pi/8
    np.testing.assert_allclose(quarters, [0.1464, 0.5, 0.8536], atol=0.02)


def agents(count=2, seats=1, size=5):
    one = jax.vmap(lambda key: meta_value.init(key, size, 8, 4))(jax.random.split(jax.random.key(0), count))
    return (one,) * seats


@pytest.mark.parametrize("seats", [1, 2])
def test_in_play_without_a_future_it_is_naive(seats):
    game = games.make("ipd")
    played = meva.Played(agents=agents(seats=seats), meta_discount=0.0)
    learner = meva.play(game, played)
    joint = points(1)[0]
    state = learned.InPlay(joint, jnp.int32(1))
    moved, metrics = jax.jit(learner.update)(jax.random.key(0), state, joint, ())
    both = naive.make(game, naive.Config())
    state = both.init(jax.random.key(0))._replace(logits=joint)
    wanted, told = jax.jit(both.update)(jax.random.key(0), state, joint, ())
    np.testing.assert_allclose(moved.logits, wanted.logits, atol=1e-5)
    np.testing.assert_allclose(metrics["value"], told["value"], atol=1e-5)


def test_in_play_it_climbs_from_its_own_side():
    """Trained as player 1 of a symmetric game, it does in seat 2 what it would do in seat 1."""
    game, joint = games.make("ipd"), points(1)[0]
    moved = {}
    for seat in range(2):
        learner = meva.play(game, meva.Played(agents=agents(), agent=1), (seat,))
        mine = joint if seat == 0 else joint[::-1]
        state = learned.InPlay(joint[:1], jnp.int32(1))
        moved[seat] = jax.jit(learner.update)(jax.random.key(0), state, mine, ())[0].logits
    np.testing.assert_allclose(moved[0], moved[1], atol=1e-6)
    assert float(jnp.abs(moved[0] - joint[:1]).max()) > 1e-4


def test_the_policy_of_a_meta_game_is_the_rule_in_play():
    game = self_play()
    learner = meva.make(game, SMALL)
    state = jax.jit(learner.init)(jax.random.key(0))
    (policy, params), _ = learner.policy(state)
    joint = points(1)[0]
    obs = jax.nn.sigmoid(joint.reshape(-1))
    _, action, _ = jax.jit(policy.act)(jax.random.key(0), params, (), obs, (), jnp.bool_(False))
    trained = jax.tree.map(lambda leaf: leaf[None], params)
    in_play = meva.play(game.inner, meva.Played(agents=(trained,) * 2))
    after, _ = jax.jit(in_play.update)(jax.random.key(0), learned.InPlay(joint, jnp.int32(0)), joint, ())
    np.testing.assert_allclose(action, after.logits[0], atol=1e-4)


def test_it_meets_any_rule():
    game = games.make("ipd")
    config = Pair(meva.Played(agents=agents(count=3)), naive.Config())
    result = loops.run(Versus(meva.play, naive.make), game, config, iterations=2, seeds=9)
    assert result.metrics["value"].shape == (2, 9, 2)
    assert len(np.unique(result.state[0].agent)) > 1  # each trial draws its agent


def test_what_does_not_fit_is_refused():
    with pytest.raises(Misfit, match="meva needs a meta-game"):
        meva.make(games.make("ipd"), meva.Config())
    with pytest.raises(Misfit, match="another kind of game"):
        meva.play(games.make("chicken"), meva.Played(agents=agents()))
    with pytest.raises(Misfit, match="trained as player 1"):
        meva.play(games.make("imp"), meva.Played(agents=agents()))
    with pytest.raises(Misfit, match="below 2"):
        meva.play(games.make("ipd"), meva.Played(agents=agents(), agent=2)).init(jax.random.key(0))
