"""What players of games with pairs of written digits earn and say, over all pairs of images or an even part of them.

Players who draw nothing do the same whenever they see and hear the same. `exactly` plays each image with everything
that could be heard, once, and then puts all pairs together from that table: 1,188 games instead of 352,836 for
color-digit with the unseen images.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from tacit.errors import Misfit
from tacit.games.base import Game
from tacit.games.color_digit import BEST, COLORS, ColorDigit, ColoredImages
from tacit.games.digit_pairs import PLAYERS, DigitPair
from tacit.games.multi_step_digits import MultiStepDigits
from tacit.loops import joint, rollout, start
from tacit.ops.information import mutual_information
from tacit.types import Level, Params, Policy

BATCH = 2**14  # games played at once, at most
MOST_HEARD = 12  # bits that a player can hear, for tables


class Score(NamedTuple):
    """The mean return of both together (of either, as both are paid the same), and what it was taken over."""

    value: Float[Array, ""]
    best: float  # what perfect players earn
    games: int
    exact: bool  # every pair was played

    @property
    def normalized(self) -> Float[Array, ""]:
        """The value divided by the best one."""
        return self.value / self.best


def levels(game: DigitPair, partners: int) -> Level:
    """Levels in which every image meets so many others in either seat, each pair in all colors.

    Image i meets i, i + 1, ... (modulo their number N), so that N partners are all pairs.
    """
    count = len(game.images.digit)
    first = jnp.repeat(jnp.arange(count), partners)
    image = jnp.stack([first, (first + jnp.tile(jnp.arange(partners), count)) % count], 1)
    if not isinstance(game, ColorDigit):
        return image
    colors = jnp.array([(one, other) for one in range(COLORS) for other in range(COLORS)])
    return ColoredImages(jnp.repeat(image, len(colors), 0), jnp.tile(colors, (len(image), 1)))


def score(
    game: Game, policies: Sequence[Policy], params: Sequence[Params], partners: int | None = None, seed: int = 0
) -> Score:
    """What two players earn; pure, so that it can be compiled and mapped over seeds.

    Args:
        policies: of both, as they play: their messages are bits. Where they draw, the mean is over one draw a game.
        params: theirs.
        partners: how many images each image meets in either seat; all of them where not given.
        seed: of the draws.

    Raises:
        Misfit: it is no game of pairs of digits, or so many partners are not to be had.
    """
    game = _check(game)
    count = len(game.images.digit)
    partners = count if partners is None else partners
    if not 1 <= partners <= count:
        raise Misfit(f"each of {count} images can meet 1 to {count} partners, not {partners}")
    every = levels(game, partners)
    total = len(jax.tree.leaves(every)[0])
    batches = -(-total // BATCH)
    size = -(-total // batches)
    everyone = joint(policies)

    def act(keys: Array, **seen: Any) -> Any:
        return everyone(keys, params, **seen)

    def play(batch: Array) -> Array:
        row = batch * size + jnp.arange(size)
        level = jax.tree.map(lambda leaf: leaf[row % total], every)  # the last batch is filled up with the first games
        start_key, play_key = jax.random.split(jax.random.fold_in(jax.random.key(seed), batch))
        live = start(start_key, game, policies, size, level)
        step = rollout(play_key, game, act, live, game.length, level, reset=False)[1]
        return jnp.sum(jnp.where(row < total, step.reward[..., 0].sum(0), 0.0))

    summed = jax.lax.map(play, jnp.arange(batches)).sum()
    return Score(summed / total, best(game), total, partners == count)


def best(game: Game) -> float:
    """What perfect players earn."""
    return BEST if isinstance(game, ColorDigit) else 1.0


def _check(game: Game) -> DigitPair:
    if not isinstance(game, ColorDigit | MultiStepDigits):
        raise Misfit(f"this needs color-digit or multi-step-digits, not {type(game).__name__}")
    return game


class Words(NamedTuple):
    """What both players of some games said before the last step, and what it may be about, each `[games, 2]`.

    Attributes:
        code: all bits that a player said and the other heard, the first one highest, as a number below `2**bits`.
        digit: that of its image. color: that of its image; 0 where images have none.
        bits: of a code.
    """

    code: Int[Array, "games 2"]
    digit: Int[Array, "games 2"]
    color: Int[Array, "games 2"]
    bits: int

    def count(self, about: Int[Array, "games 2"], kinds: int) -> Float[Array, "kinds codes"]:
        """How often each code was said of each kind of thing, `about` being that kind, as shares of all codes said."""
        cell = (about * 2**self.bits + self.code).ravel()
        counts = jnp.bincount(cell, length=kinds * 2**self.bits).reshape(kinds, -1)
        return counts.astype(float) / cell.size

    def tells(self, about: Int[Array, "games 2"], kinds: int) -> Float[Array, ""]:
        """Bits of information that codes hold about something, as often as they were said of it."""
        return mutual_information(self.count(about, kinds))


class Habits(NamedTuple):
    """What each player says at each step and does at the last one, by its image, its color and the code that it hears.

    Messages are numbers, the first bit highest; what is said depends on what was heard before it alone.
    """

    says: Int[Array, "images colors codes T 2"]
    does: Int[Array, "images colors codes 2"]


def habits(game: Game, policies: Sequence[Policy], params: Sequence[Params]) -> Habits:
    """Plays each image with everything that could be heard; pure. Players must draw nothing.

    Raises:
        Misfit: it is no game of pairs of digits, or too much could be heard.
    """
    game = _check(game)
    bits, last = game.bits, game.length - 1
    if bits * last > MOST_HEARD:
        raise Misfit(f"a player may hear up to {MOST_HEARD} bits here, and in this game it can hear {bits * last}")
    colored = isinstance(game, ColorDigit)
    shape = (len(game.images.digit), COLORS if colored else 1, 2 ** (bits * last))
    image, color, code = jnp.unravel_index(jnp.arange(math.prod(shape), dtype=jnp.int32), shape)
    twice = [jnp.stack([each] * PLAYERS, 1).astype(jnp.int32) for each in (image, color)]
    live = start(jax.random.key(0), game, policies, len(image), ColoredImages(*twice) if colored else twice[0])
    everyone, place = joint(policies), jnp.arange(bits - 1, -1, -1, dtype=jnp.int32)
    key = jax.random.key(0)  # nobody draws

    def play(state: Any, carry: Any, code: Array) -> Any:
        def step(now: Any, time: Array) -> Any:
            state, carry = now
            seen = {"obs": game.observe(state), "legal": game.legal(state), "fresh": time == 0}
            carry, action, _ = everyone(jax.random.split(key, PLAYERS), params, carry=carry, **seen)
            heard = (code >> (bits * jnp.maximum(last - 1 - time, 0) + place)) & 1
            state = game.step(key, state, action)[0]
            state = state._replace(said=jnp.broadcast_to(heard.astype(float), state.said.shape))
            return (state, carry), (action.message.astype(jnp.int32) @ (1 << place), action.move)

        return jax.lax.scan(step, (state, carry), jnp.arange(game.length, dtype=jnp.int32))[1]

    says, does = jax.vmap(play)(live.state, live.carry, code.astype(jnp.int32))
    return Habits(says.reshape(*shape, *says.shape[1:]), does[:, -1].reshape(*shape, PLAYERS))


def exactly(game: Game, policies: Sequence[Policy], params: Sequence[Params]) -> tuple[Score, Words]:
    """What two players who draw nothing earn and say, over all pairs of images; pure. Refuses what `habits` refuses."""
    game, found = _check(game), habits(game, policies, params)
    level, last = levels(game, len(game.images.digit)), game.length - 1
    image, color = level if isinstance(level, ColoredImages) else (level, jnp.zeros_like(level))

    def of_both(table: Array, code: Array, *at: Array) -> Array:
        each = [table[image[:, p], color[:, p], code[:, 1 - p], *at, p] for p in range(PLAYERS)]
        return jnp.stack(each, 1)

    def say(code: Array, time: Array) -> Any:
        return code + (of_both(found.says, code, time) << (game.bits * (last - 1 - time))), None

    code = jax.lax.scan(say, jnp.zeros_like(image), jnp.arange(last, dtype=jnp.int32))[0]
    paid = jax.vmap(game.pays)(level, of_both(found.does, code))
    words = Words(code, jnp.asarray(game.images.digit)[image].astype(jnp.int32), color, game.bits * last)
    return Score(paid.mean(), best(game), len(paid), True), words
