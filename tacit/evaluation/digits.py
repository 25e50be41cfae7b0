"""What players of games with pairs of written digits earn, over all pairs of images or an even part of them."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from tacit.errors import Misfit
from tacit.games.base import Game
from tacit.games.color_digit import BEST, COLORS, ColorDigit, ColoredImages
from tacit.games.digit_pairs import DigitPair
from tacit.games.multi_step_digits import MultiStepDigits
from tacit.loops import joint, rollout, start
from tacit.types import Level, Params, Policy

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
    if not isinstance(game, ColorDigit | MultiStepDigits):
        raise Misfit(f"this needs color-digit or multi-step-digits, not {type(game).__name__}")
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
    best = BEST if isinstance(game, ColorDigit) else 1.0
    return Score(summed / total, best, total, partners == count)
