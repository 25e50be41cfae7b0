"""The maze's map, its line, its payoffs, and the information that it carries."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tacit import games
from tacit.errors import Misfit, SettingError
from tacit.evaluation import phone_booth
from tacit.games.phone_booth import DOWN, HINT_DOWN, HINT_UP, LEFT, MOVES, RIGHT, UP, WAIT
from tacit.ops import information
from tacit.types import Action, Policy

pytestmark = pytest.mark.usefixtures("strict")
KEY = jax.random.key(0)
step = jax.jit(lambda game, *inputs: game.step(*inputs))
many = jax.jit(jax.vmap(lambda game, *inputs: game.step(*inputs), (None, 0, None, None)))
TO_BOOTHS = ((RIGHT, LEFT), (RIGHT, LEFT), (RIGHT, WAIT))


def play(moves, right=1, messages=None, key=KEY, **rules):
    """States (the last included) and rewards of a game with this right exit."""
    game = games.make("phone-booth", messages=messages is not None, **rules)
    state, rewards = game.reset(KEY, jnp.int32(right)), []
    states = [state]
    for joint in moves:
        action = jnp.array(joint, jnp.int32)
        state, outcome = step(
            game, key, state, action if messages is None else Action(action, jnp.full((2, 1), messages, float))
        )
        assert outcome.reward[0] == outcome.reward[1]
        states.append(state)
        rewards.append(float(outcome.reward[0]))
    return game, states, rewards


@pytest.mark.parametrize(("hint", "right"), [(HINT_UP, 0), (HINT_DOWN, 1)])
def test_the_fastest_plan_takes_eight_steps(hint, right):
    out = (UP, DOWN)[right]
    moves = (*TO_BOOTHS, (hint, WAIT), *3 * ((WAIT, RIGHT),), (WAIT, out))
    game, states, rewards = play(moves, right)
    assert rewards == [0, 0, 0, 0, 0, 0, 0, 1]
    assert states[-1].terminated
    assert sum(game.discount**t * reward for t, reward in enumerate(rewards)) == pytest.approx(0.932, abs=5e-4)
    heard = game.observe(states[4])
    np.testing.assert_array_equal(heard.message[:, 0], [0.5, right])
    np.testing.assert_array_equal(heard.received[:, 0], [0, 1])
    assert not game.observe(states[5]).received.any()  # heard for one step
    assert play((*moves[:-1], (WAIT, (DOWN, UP)[right])), right)[2][-1] == -0.5


def test_the_rooms_are_as_in_the_paper():
    game = games.make("phone-booth")
    walls = ["".join("# B"[int(o) + int(b)] for o, b in zip(*row, strict=True)) for row in zip(
        game.open.reshape(-1, 8), game.booth.reshape(-1, 8), strict=True)]  # fmt: skip
    assert walls == ["B#######", "       B", "##B#####", "### ####", "B   ####", "### ####"]
    multi = games.make("phone-booths")
    walls = ["".join("# B"[int(o) + int(b)] for o, b in zip(*row, strict=True)) for row in zip(
        multi.open.reshape(-1, 5), multi.booth.reshape(-1, 5), strict=True)]  # fmt: skip
    assert walls == ["###B#", " B  B", "#####", "## ##", "B  ##", "## ##"]


def test_both_see_their_own_room_and_the_sender_its_exit():
    game = games.make("phone-booth")
    for right in (0, 1):
        view = np.asarray(game.observe(game.reset(KEY, jnp.int32(right))).view)
        walls, booths, self_ = (view[:, i * 24 : (i + 1) * 24].reshape(2, 3, 8) for i in range(3))
        np.testing.assert_array_equal(walls, ~game.open)
        np.testing.assert_array_equal(booths, game.booth)
        assert [tuple(np.argwhere(plane)[0]) for plane in self_] == [(1, 4), (1, 2)]
        assert (self_.sum((1, 2)) == 1).all()
        np.testing.assert_array_equal(view[:, 72:], [[right == 0, right == 1], [0, 0]])


def test_walls_hold_and_alcoves_can_be_entered():
    moves = [(UP, UP), (LEFT, DOWN), (LEFT, LEFT), (DOWN, LEFT), (LEFT, LEFT), (UP, WAIT), (LEFT, WAIT), (LEFT, WAIT)]
    places = [tuple(map(tuple, np.asarray(state.place))) for state in play(moves)[1]]
    assert places == [
        ((4, 1), (2, 1)),
        ((4, 1), (2, 1)),  # walls above both
        ((3, 1), (2, 1)),
        ((2, 1), (1, 1)),
        ((2, 2), (0, 1)),  # a decoy's alcove
        ((2, 2), (0, 1)),  # which has walls beside it, as the room has an end
        ((2, 1), (0, 1)),
        ((1, 1), (0, 1)),
        ((0, 1), (0, 1)),
    ]


@pytest.mark.parametrize(
    ("moves", "arrives"),
    [
        ((*TO_BOOTHS, (HINT_UP, WAIT)), True),
        ((*TO_BOOTHS, (HINT_UP, RIGHT)), True),  # it was there when the telephone rang
        ((*TO_BOOTHS, (WAIT, HINT_UP)), False),  # the receiver cannot hint
        ((*TO_BOOTHS, (WAIT, RIGHT), (HINT_UP, LEFT)), False),  # not there
        ((*TO_BOOTHS[:2], (HINT_UP, WAIT)), False),
        (((LEFT, LEFT), (LEFT, LEFT), (DOWN, WAIT), (HINT_UP, WAIT)), False),  # a decoy
    ],
)
def test_hints_pass_between_the_booths_alone(moves, arrives):
    assert bool(play(moves)[1][-1].received) == arrives
    assert not play(moves, talk=False)[1][-1].received


def test_a_latched_hint_stays_until_the_next():
    moves = (*TO_BOOTHS, (HINT_DOWN, WAIT), (WAIT, WAIT), (HINT_UP, WAIT), (LEFT, RIGHT))
    states = play(moves, latched=True)[1]
    assert [float(state.message[0]) for state in states[3:]] == [0.5, 1, 1, 0, 0]
    assert [bool(state.received) for state in states[3:]] == [False, True, True, True, True]


def test_the_clock_cuts_an_episode_off():
    state = play([(WAIT, WAIT)] * 20)[1][-1]
    assert state.truncated
    assert not state.terminated
    moves = [*[(WAIT, WAIT)] * 18, (WAIT, RIGHT), (WAIT, DOWN)]
    state = play(moves)[1][-1]  # who leaves with the last step has left
    assert state.terminated
    assert not state.truncated


def test_a_message_of_its_own_passes_with_its_gradient():
    def heard(said, hint):
        moves = (*TO_BOOTHS, (hint, WAIT))
        return play(moves, messages=said)[1][-1].message[0]

    for hint in (HINT_UP, HINT_DOWN):
        assert heard(0.3, hint) == pytest.approx(0.3)
        assert jax.grad(heard)(0.3, hint) == 1.0
    assert jax.grad(heard)(0.3, WAIT) == 0.0


def state_of(game, sender, receiver=(0, 1)):
    state = game.reset(KEY, jnp.int32(0))
    return state._replace(place=jnp.array([sender, receiver], jnp.int32))


def test_booths_lose_and_cost_what_they_should():
    game = games.make("phone-booths")
    states = [state_of(game, place) for place in ((3, 0), (4, 1), (1, 1), (2, 1))]
    np.testing.assert_allclose([game.line(state) for state in states], [(0.5, 0), (1, 0.4), (1, 0), (0, 0)])
    hint = jnp.array([HINT_UP, WAIT], jnp.int32)
    keys = jax.random.split(KEY, 4000)
    for state, kept, cost in zip(states, (0.5, 1, 1, 0), (0, 0.4, 0, 0), strict=True):
        new, outcome = many(game, keys, state, hint)
        assert abs(new.received.mean() - kept) <= 4 * (kept * (1 - kept) / 4000) ** 0.5
        np.testing.assert_allclose(outcome.reward, -cost)
    unanswered = state_of(game, (4, 1), (1, 1))
    assert (many(game, keys, unanswered, hint)[1].reward == 0).all()  # nobody pays for what could not be heard


@pytest.mark.parametrize(
    ("loss", "uniform", "capacity"),
    [(0.0, 1.1488, 1.5850), (0.1, 0.9455, 1.2592), (0.3, 0.6701, 0.8763), (0.5, 0.4488, 0.5850)],  # the reference's
)
def test_what_the_line_carries(loss, uniform, capacity):
    weight = loss ** (loss / (1 - loss))
    each = weight / (1 + 2 * (1 - loss) * weight)  # by setting the derivative to 0
    game = games.make("phone-booth", loss=(loss,))
    joined, apart = state_of(game, (7, 1)), state_of(game, (6, 1))
    moves = jnp.full(7, 1 / 7)
    assert phone_booth.informed(game, joined, moves) == pytest.approx(uniform, abs=6e-5)
    assert phone_booth.informed(game, apart, moves) == pytest.approx(0.0, abs=1e-6)
    most = information.capacity(phone_booth.heard(game, joined))
    assert most.bits == pytest.approx(capacity, abs=6e-5)
    assert most.bits == pytest.approx(np.log2(1 + 2 * (1 - loss) * weight), abs=1e-5)
    np.testing.assert_allclose(most.sent[jnp.array([HINT_UP, HINT_DOWN])], each, atol=1e-4)


def test_the_published_figure_is_one_draw():
    game = games.make("phone-booth", loss=(0.5,))
    joined, moves = state_of(game, (7, 1)), jnp.full(7, 1 / 7)
    drawn = jax.vmap(lambda key: phone_booth.informed(game, joined, moves, key))(jax.random.split(KEY, 200))
    known = np.array([0.0, 0.5917, 1.1488])  # none, one or both of the hints arrived
    nearest = np.argmin(np.abs(np.asarray(drawn)[:, None] - known[None]), axis=1)
    np.testing.assert_allclose(drawn, known[nearest], atol=6e-5)
    assert (np.bincount(nearest, minlength=3) > 25).all()  # of 50, 100 and 50


def scripted(moves, answer=True):
    """A player of fixed moves; a receiver waits for a hint at its booth and then leaves by the exit it was told."""

    def act(key, params, carry, obs, legal, fresh, given=None):
        time, told = jnp.where(fresh, 0, carry[0]), jnp.where(fresh, -1, carry[1])
        told = jnp.where(obs.received[0] > 0, (obs.message[0] > 0.5).astype(int), told)
        row = jnp.minimum(time, len(moves) - 1)
        sender = obs.view[-2:].any()
        hint = jnp.where(obs.view[-1] > 0, HINT_DOWN, HINT_UP)
        move = jnp.array(moves, jnp.int32)[row]
        return (time + 1, told), jnp.where(sender & (move == HINT_UP), hint, jnp.where(
            ~sender & (row == len(moves) - 1), jnp.where(told == 1, DOWN, UP), move)), ()  # fmt: skip

    return Policy(lambda: (jnp.int32(0), jnp.int32(-1)), act)


SENDER = scripted((RIGHT, RIGHT, RIGHT, HINT_UP, WAIT))
RECEIVER = scripted((LEFT, LEFT, WAIT, WAIT, RIGHT, RIGHT, RIGHT, UP))
score_of = jax.jit(
    lambda game, draws: phone_booth.score(game, (SENDER, RECEIVER), ((), ()), draws), static_argnames="draws"
)


def test_players_who_know_everything_earn_one_and_guessers_a_quarter():
    score = score_of(games.make("phone-booth"), 1)
    np.testing.assert_array_equal(score.by_exit, [1, 1])
    assert (score.value, score.found) == (1.0, 3.0)
    np.testing.assert_array_equal(score.visits, [6])  # after the third of eight steps, and after those that follow
    deaf = score_of(games.make("phone-booth", talk=False), 1)
    assert deaf.value == phone_booth.GUESSED
    np.testing.assert_array_equal(deaf.by_exit, [1, -0.5])
    lost = score_of(games.make("phone-booth", loss=(0.5,)), 1000)
    chance = 0.5 * (1 + phone_booth.GUESSED)
    assert abs(lost.value - chance) < 4 * 0.75 * (0.25 / 2000) ** 0.5  # of by_exit[1] alone is there any variance
    far = score_of(games.make("phone-booth", booths=(6, 0), decoys=(7, 1)), 1)
    assert far.found == 20  # all the steps there are


@pytest.mark.parametrize(
    ("rules", "line"),
    [
        ({"sender_room": 7}, "a booth at x 7, y 1 lies outside a room of 7 by 3 cells"),
        ({"decoys": (1, 3)}, "a booth at x 1, y 3 lies outside"),
        ({"booths": (7, 1, 0)}, "an x and a y each"),
        ({"price": (0.0, 0.1)}, "price must have a number for each of 1 booths, got 2"),
        ({"loss": ()}, "loss must have a number for each of 1 booths, got 0"),
        ({"loss": (1.5,)}, "loss must be >= 0 and <= 1, got 1.5"),
        ({"sender_start": 8}, "players must begin in rooms of 8 and 4 cells, got x 8 and 2"),
        ({"length": 0}, "length must be >= 1"),
    ],
)
def test_mazes_that_make_no_sense_are_refused(rules, line):
    with pytest.raises(SettingError, match=line):
        games.make("phone-booth", **rules)


def test_other_games_are_refused():
    with pytest.raises(Misfit, match="phone booth maze, not LeverGame"):
        phone_booth.score(games.make("levers"), (), ())


def test_moves_are_those_of_the_paper():
    assert len(MOVES) == games.make("phone-booth").spec.action.n == 7
    assert games.make("phone-booth", messages=True).spec.action.move.n == 7
