"""Policy gradient on the exact return of a two-step game: self-play, or Other-Play, without any sampling.

    theta <- theta + lr dJ/dtheta        (both players at once; softmax policies, J as in tacit.games.two_step_exact)

Runs differ in nothing but their first logits, and yet may settle on conventions that do not go together. With
`other_play`, J is the mean over the partner's relabelings, J_OP, so that no arbitrary name can carry a convention.

Source: J_OP from Hu et al. 2020 ("Other-Play" for Zero-Shot Coordination), section 4.
"""

from collections.abc import Sequence

import jax
from jaxtyping import Array, Float, PRNGKeyArray

from tacit.games.base import Game
from tacit.games.two_step_exact import Joint, other_play, tensor, two_step, value
from tacit.learners.two_step import normalized, whole
from tacit.settings import setting
from tacit.types import Learner, Metrics, Settings


class Config(Settings):
    """Settings of the exact policy gradient."""

    lr: float = setting(3.0, "step size", unit="per update", low=0.0)
    init_std: float = setting(1.0, "standard deviation of the initial logits", low=0.0)
    other_play: bool = setting(False, "climb the return with a partner under other names")


def make(game: Game, config: Config, seats: Sequence[int] | None = None) -> Learner:
    """A learner that climbs the exact return.

    Raises:
        Misfit: the game is not a two-step game.
    """
    known = two_step(game, "exact-pg")
    worth, among_strangers = tensor(known), other_play(known)
    climbed = among_strangers if config.other_play else worth

    def init(key: PRNGKeyArray) -> Joint:
        sizes, keys = known.sizes, jax.random.split(key)
        shapes = (sizes.first, sizes.openings), (known.num_sets, sizes.replies)
        return Joint(*(config.init_std * jax.random.normal(k, shape) for k, shape in zip(keys, shapes, strict=True)))

    def objective(logits: Joint) -> Float[Array, ""]:
        return value(climbed, normalized(logits))

    def advance(logits: Joint) -> tuple[Joint, Metrics]:
        along = jax.grad(objective)(logits)
        new = Joint(*(x + config.lr * dx for x, dx in zip(logits, along, strict=True)))
        played = normalized(new)
        return new, {"value": value(worth, played), "other_play_value": value(among_strangers, played)}

    return whole(known, init, advance, seats)
