"""What a meta-agent that learned from sampled play brings about, inner episode by inner episode."""

import functools
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Float, Key, PRNGKeyArray

from tacit.errors import Misfit
from tacit.evaluation.coins import Takings, takings_in
from tacit.games.coin import CoinGame
from tacit.learners.mfos_recurrent import meta_episode
from tacit.learners.sampled_meta_game import SampledMetaGame, as_the_game
from tacit.scale import precision_of
from tacit.types import State, Trained


class Shaped(NamedTuple):
    """What meta-episodes brought, means over games and opponents.

    Attributes:
        reward: `[S, E, 2]` per step of each inner episode: the meta-agent's, its opponent's.
        takings: in a coin game, of an inner episode, mean over all of them, leaves `[S, ...]`.
    """

    reward: Float[Any, "*S E 2"]
    takings: Takings | None


def shaped(run: Trained, opponents: int = 8, seed: int = 1) -> Shaped:
    """Lets the meta-agent of every seed play a meta-episode with each of so many fresh opponents.

    Raises:
        Misfit: the run is not one of a meta-agent that learns from sampled play.
    """
    if not isinstance(run.game, SampledMetaGame):
        raise Misfit(f"meta-episodes are played in a sampled meta-game, not in {type(run.game).__name__}")
    with precision_of(run.state):
        keys = jax.random.split(jax.random.key(seed), (len(jax.tree.leaves(run.state)[0]), opponents))
        return jax.tree.map(np.asarray, _each(run.game, run.config, keys, run.state))


@jax.jit
def _each(game: SampledMetaGame, config: Any, keys: Key[Array, "S K"], states: State) -> Shaped:
    def against_one(net: Any, key: PRNGKeyArray) -> Shaped:
        played = meta_episode(key, game, config, net)[0]
        found = None
        if isinstance(game.inner, CoinGame):
            count = functools.partial(takings_in, game.inner)
            found = jax.tree.map(lambda leaf: leaf.mean(0), jax.vmap(count)(as_the_game(played)))
        return Shaped(played.reward.mean((1, 2)), found)

    def against_all(state: Any, keys: Key[Array, " K"]) -> Shaped:
        each = jax.vmap(functools.partial(against_one, state.net))(keys)
        return jax.tree.map(lambda leaf: leaf.mean(0), each)

    return jax.vmap(against_all)(states, keys)
