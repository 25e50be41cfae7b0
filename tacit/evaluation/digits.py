"""What players of games with pairs of written digits earn and say, over all pairs of images or an even part of them."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from tacit.errors import Misfit
from tacit.games.base import Game
from tacit.games.color_digit import BEST, COLORS, ColorDigit, ColoredImages
from tacit.games.digit_pairs import DigitPair
from tacit.games.multi_step_digits import MultiStepDigits
from tacit.loops import joint, rollout, start
from tacit.ops.information import mutual_information
from tacit.types import Level, Params, Policy, Step

BATCH = 2**14  # games played at once, at most


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
    game, every = _even(game, partners)
    total = len(jax.tree.leaves(every)[0])
    batches = -(-total // BATCH)
    size = -(-total // batches)

    def play(batch: Array) -> Array:
        row = batch * size + jnp.arange(size)
        level = jax.tree.map(lambda leaf: leaf[row % total], every)  # the last batch is filled up with the first games
        step = _played(jax.random.fold_in(jax.random.key(seed), batch), game, policies, params, level)
        return jnp.sum(jnp.where(row < total, step.reward[..., 0].sum(0), 0.0))

    summed = jax.lax.map(play, jnp.arange(batches)).sum()
    best = BEST if isinstance(game, ColorDigit) else 1.0
    return Score(summed / total, best, total, partners in (None, len(game.images.digit)))


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


def words(game: Game, policies: Sequence[Policy], params: Sequence[Params], partners: int | None = None) -> Words:
    """What two players say to each other; pure, like `score`, and refuses what that refuses."""
    game, level = _even(game, partners)
    step = _played(jax.random.key(0), game, policies, params, level)
    said = jnp.moveaxis(step.action.message[:-1], 0, 2)  # [games, 2, steps, bits]; nobody hears what is said last
    said = said.reshape(*said.shape[:2], -1).astype(jnp.int32)
    bits = said.shape[-1]
    code = said @ (1 << jnp.arange(bits - 1, -1, -1, dtype=jnp.int32))
    image = level.image if isinstance(level, ColoredImages) else level
    color = level.color if isinstance(level, ColoredImages) else jnp.zeros_like(image)
    return Words(code, jnp.asarray(game.images.digit)[image].astype(jnp.int32), color, bits)


def _even(game: Game, partners: int | None) -> tuple[DigitPair, Level]:
    """The game, and its levels in which every image meets so many others; refuses what cannot be had."""
    if not isinstance(game, ColorDigit | MultiStepDigits):
        raise Misfit(f"this needs color-digit or multi-step-digits, not {type(game).__name__}")
    count = len(game.images.digit)
    partners = count if partners is None else partners
    if not 1 <= partners <= count:
        raise Misfit(f"each of {count} images can meet 1 to {count} partners, not {partners}")
    return game, levels(game, partners)


def _played(key: PRNGKeyArray, game: Game, policies: Sequence[Policy], params: Sequence[Params], level: Level) -> Step:
    """One game on each of these levels. The key is consumed."""
    everyone = joint(policies)

    def act(keys: Array, **seen: Any) -> Any:
        return everyone(keys, params, **seen)

    start_key, play_key = jax.random.split(key)
    live = start(start_key, game, policies, len(jax.tree.leaves(level)[0]), level)
    return rollout(play_key, game, act, live, game.spec.max_length, level, reset=False)[1]
