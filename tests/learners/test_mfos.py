"""M-FOS and M-MAML: their losses, what they learn where the answer is known, and that play is what was trained."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tacit import games
from tacit.errors import Misfit
from tacit.learners import exact, learned, m_maml, mfos, naive
from tacit.learners.meta_game import MetaGame
from tacit.learners.scripted import ALWAYS_DEFECT
from tacit.learners.versus import Pair, Scripted, Versus
from tacit.loops import episodes, run

KEY = jax.random.key(0)
SMALL = mfos.Config(num_games=32, hidden=16)


def agents(inputs=10, actions=5, hidden=16, number=2):
    keys = jax.random.split(KEY, number)
    return jax.vmap(lambda key: mfos.init_params(key, inputs, actions, hidden))(keys)


def a_batch(length=3, games_=4):
    shapes = {"obs": (length, 10, games_), "action": (length, 5, games_)}
    keys = jax.random.split(KEY, 5)
    drawn = [
        jax.random.normal(key, shapes.get(name, (length, games_)))
        for name, key in zip(mfos.Batch._fields, keys, strict=True)
    ]
    return mfos.Batch(*drawn)


def test_the_gradient_taken_step_by_step_is_that_of_the_mean_loss():
    params, batch = jax.tree.map(lambda leaf: leaf[0], agents()), a_batch()

    @jax.jit
    def both(params):
        def mean(params):
            return jax.vmap(lambda part: mfos.loss(params, part, SMALL)[0])(batch).mean()

        return mfos.whole_gradient(params, batch, SMALL)[0], jax.grad(mean)(params)

    for stepwise, whole in zip(*map(jax.tree.leaves, both(params)), strict=True):
        assert np.allclose(stepwise, whole, atol=1e-5 * max(1.0, float(jnp.abs(whole).max())))


def test_log_density_is_that_of_a_normal_distribution_whose_variance_is_given():
    from scipy.stats import norm

    mean, variance, action = np.array([[0.5], [-1.0]]), np.array([[4.0], [0.25]]), np.array([[1.0], [0.0]])
    found = mfos.log_prob(*map(jnp.asarray, (action, mean, variance)))
    assert np.allclose(found, norm.logpdf(action, mean, np.sqrt(variance)).sum(), atol=1e-5)


@pytest.mark.parametrize("players", [1, 2])
def test_replay_agrees_with_play_before_the_first_step(players):
    game = MetaGame(games.make("ipd"), num_players=players, length=10)
    result = run(mfos.make, game, SMALL, iterations=2, seeds=2)
    assert result.metrics["ratio_error"].max() < 1e-5
    assert np.isfinite(result.metrics["reward"]).all()


def test_learns_the_best_answer_to_a_player_that_stays_as_it_is():
    """Against D for ever the best answer is D: -2 a round, and -3 for whoever cooperates."""
    game = MetaGame(games.make("prisoners-dilemma"), Scripted(ALWAYS_DEFECT), (), length=5)
    config = mfos.Config(num_games=64, hidden=16, lr=0.02)
    reward = run(mfos.make, game, config, iterations=80, seeds=2, every=20).metrics["reward"]
    assert reward[0].max() < -2.3  # it began near -2.5
    assert reward[-1].min() > -2.15


def test_learns_that_a_naive_learner_swerves():
    """Chicken, once per step: whoever goes straight gets 1 from a learner that has learned to swerve, and no more."""
    game = MetaGame(games.make("chicken"), length=30)
    config = mfos.Config(num_games=64, hidden=16, lr=0.02)
    rows = run(mfos.make, game, config, iterations=80, seeds=2, every=20).metrics
    assert rows["reward"][0].max() < 0.65
    assert rows["reward"][-1].min() > 0.75
    assert rows["opponent_reward"][-1].max() < -0.75


@pytest.mark.parametrize(("anneal", "alone", "together"), [(0.0, 3, 0), (1.0, 1, 2)])
def test_the_share_of_naive_opponents_falls_from_one_by_the_setting(anneal, alone, together):
    game = MetaGame(games.make("ipd"), num_players=2, length=3)
    config = mfos.Config(num_games=8, hidden=4, anneal=anneal)
    rows = run(mfos.make, game, config, iterations=3, every=1).metrics
    assert np.isfinite(rows["reward_v_naive"]).all(axis=(1, 2)).sum() == alone
    assert np.isfinite(rows["reward_v_self"]).all(axis=(1, 2)).sum() == together


def test_in_play_it_gets_what_it_got_in_the_meta_game():
    """The same agents, once as meta-players and once as a rule that meets a rule: equal but for what is drawn."""
    params, trials = agents(number=1), 2048
    game = MetaGame(games.make("ipd"))
    played = mfos.Played(agents=(params,))

    @jax.jit
    def in_meta_game(params):
        alone = jax.tree.map(lambda leaf: leaf[0], params)
        return episodes(KEY, game, (mfos.POLICY,), (alone,), trials)[1].reward[..., 0].mean(0)

    rows = run(
        Versus(mfos.play, naive.make),
        game.inner,
        Pair(played, naive.Config()),
        iterations=game.length + 1,
        every=1,
        seeds=trials,
    )
    here, there = in_meta_game(params), rows.metrics["value"][1:, :, 0].mean(0)
    error = np.hypot(here.std(), there.std()) / trials**0.5
    assert abs(here.mean() - there.mean()) < 4 * error


def test_one_of_several_trained_agents_plays_in_each_trial():
    config = mfos.Played(agents=(agents(number=3),))
    play = jax.jit(jax.vmap(mfos.play(games.make("ipd"), config, (0,)).init))
    assert set(np.asarray(play(jax.random.split(KEY, 50)).agent)) == {0, 1, 2}
    chosen = mfos.play(games.make("ipd"), mfos.Played(agents=config.agents, agent=2), (0,)).init(KEY)
    assert int(chosen.agent) == 2


def test_what_cannot_be_played_is_refused():
    one = (agents(),)
    with pytest.raises(Misfit, match="below 2"):
        mfos.play(games.make("ipd"), mfos.Played(agents=one, agent=2)).init(KEY)
    with pytest.raises(Misfit, match="player 1"):
        mfos.play(games.make("imp"), mfos.Played(agents=one))
    with pytest.raises(Misfit, match="another kind of game"):
        mfos.play(games.make("chicken"), mfos.Played(agents=one))
    with pytest.raises(Misfit, match="meta-game"):
        mfos.make(games.make("ipd"), SMALL)
    with pytest.raises(Misfit, match="--against"):
        m_maml.make(MetaGame(num_players=2), m_maml.Config())
    assert learned.only_first_unless_symmetric("mfos", games.make("imp"), (0,)) == (0,)


@pytest.mark.parametrize("fixed", [False, True])
def test_m_maml_climbs_the_gradient_through_both_players_learning(x64, fixed):
    """The objective, written out as a loop of naive updates; its derivative against central differences."""
    game = MetaGame(games.make("ipd"), length=3)
    start = m_maml.Start(jax.random.normal(KEY, (5,)), jnp.log(0.5))

    @jax.jit
    def mean_value(start):
        return m_maml.mean_value(start, game, fixed, jax.random.key(3))

    value, gradient = jax.jit(jax.value_and_grad(mean_value))(start)
    rates = (0.0 if fixed else 0.5, 1.0)
    rules = [naive.make(game.inner, naive.Config(lr=lr), (seat,)) for seat, lr in enumerate(rates)]
    first_key, _ = jax.random.split(jax.random.key(3))
    states, total = [rules[0].init(KEY)._replace(logits=start.logits[None]), rules[1].init(first_key)], 0.0
    for _ in range(game.length):
        pair = jnp.concatenate([state.logits for state in states])
        after = [jax.jit(rule.update)(KEY, state, pair, ()) for rule, state in zip(rules, states, strict=True)]
        total += float(after[0][1]["value"][0])
        states = [state for state, _ in after]
    assert np.isclose(value, total / game.length, atol=1e-9)

    step = 1e-5
    for entry in range(5):
        ahead, behind = (mean_value(start._replace(logits=start.logits.at[entry].add(sign * step))) for sign in (1, -1))
        assert np.isclose(gradient.logits[entry], (ahead - behind) / (2 * step), atol=1e-7)
    assert (float(gradient.log_lr) == 0.0) == fixed


def test_m_maml_plays_from_where_it_was_trained_to_begin():
    starts = m_maml.Start(jax.random.normal(KEY, (2, 5)), jnp.log(jnp.array([0.5, 3.0])))
    config = m_maml.Played(agents=(starts,), agent=1)
    ipd = games.make("ipd")
    rule = m_maml.play(ipd, config, (0,))
    state = rule.init(KEY)
    assert jnp.array_equal(state.logits[0], starts.logits[1])
    assert float(state.lr) == 1.0  # as in the public code, whatever was learned
    pair = jnp.stack([state.logits[0], jnp.zeros(5)])
    moved = rule.update(KEY, state, pair)[0].logits
    as_naive = naive.make(ipd, naive.Config(), (0,)).update(KEY, exact.State(state.logits), pair)[0].logits
    assert jnp.allclose(moved, as_naive)
    late = m_maml.play(ipd, m_maml.Played(agents=(starts,), agent=1, random_first=True), (0,))
    first = late.init(KEY)
    assert not jnp.allclose(first.logits[0], starts.logits[1])
    assert jnp.array_equal(late.update(KEY, first, pair)[0].logits[0], starts.logits[1])
    faster = m_maml.play(ipd, m_maml.Played(agents=(starts,), agent=1, learned_lr=True), (0,)).init(KEY)
    assert np.isclose(faster.lr, 3.0)
