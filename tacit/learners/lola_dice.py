"""LOLA with DiCE: shaping an opponent's learning from sampled play.

Player i imagines `lookaheads` gradient steps of its opponent j, each estimated from a fresh batch of episodes between
theta_i and the opponent's imagined policy so far,

    theta'_j <- theta'_j + rate_in d/dtheta'_j J_j(theta_i, theta'_j) ,

plays one more batch against the result, and climbs its own return J_i(theta_i, theta'_j), differentiating through
every imagined step: J is the DiCE objective over *both* players' actions, so theta'_j depends on theta_i. Both
players do this at once from the same policies. With no look-ahead it is naive policy gradient.

Source: Foerster et al. 2018 (DiCE), section 5 and algorithm 1; settings of the authors' script for LOLA-DiCE
(alshedivat/lola, scripts/run_lola_dice.py), but for `rate_in`. The script has 0.1 there, while the parameters stored
with their runs follow the exact gradients of rates near 0.3, 0.15 and 0.1 for 1, 2 and 3 look-ahead steps, so 0.15 is
the default for 2. Whether these are the paper's settings was asked in that repository and not settled. `loaded` uses
Loaded DiCE (Farquhar et al. 2019) instead. Differs: the opponent model is fitted by full-batch gradient steps on one
batch of play, where the authors take minibatches of several rollouts; initial logits are normal, where theirs are
truncated at two standard deviations.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from tacit.errors import Misfit
from tacit.games.base import Game
from tacit.learners import tabular
from tacit.loops import episodes, per_player, unroll, unstack
from tacit.ops.policy_gradient import dice, loaded_dice
from tacit.ops.returns import normalized
from tacit.settings import setting
from tacit.types import Learner, Metrics, Params, Policy, Settings, Step, Trajectory


class Config(Settings):
    """Settings of LOLA-DiCE."""

    lr: float = setting(
        0.2, "step size on the unnormalized return", unit="per update", source="LOLA-DiCE script", low=0.0
    )
    rate_in: float = setting(
        0.15,
        "step size of the opponent's imagined steps",
        unit="per look-ahead",
        source="authors' stored runs, inferred",
        low=0.0,
    )
    lookaheads: int = setting(
        2, "imagined steps of the opponent", unit="steps", source="LOLA-DiCE script", low=0, high=10
    )
    num_games: int = setting(64, "episodes per batch", unit="games", source="LOLA-DiCE script", low=2)
    loaded: bool = setting(False, "use Loaded DiCE")
    loaded_decay: float = setting(
        0.96,
        "decay of past log-probabilities in Loaded DiCE; 1 is DiCE itself",
        source="half the variance of a step in the ipd for a bias of 5 %",
        low=0.0,
        high=1.0,
    )
    model_opponent: bool = setting(False, "fit the opponent's policy to its actions instead of reading it")
    model_steps: int = setting(20, "gradient steps of the opponent model per update", unit="steps", low=1, high=10_000)
    model_lr: float = setting(1.0, "step size of the opponent model", unit="per step", low=0.0)
    init_std: float = setting(
        0.447, "standard deviation of the initial logits", source="LOLA-DiCE code: 1/sqrt(5)", low=0.0
    )


class State(NamedTuple):
    """The logits of the seats that learn, and what each takes its opponent's to be."""

    logits: Array  # [seats, n], the players' policies
    models: Array  # [seats, n], what each believes its opponent's to be; read only with `model_opponent`


def objective(
    logits: Float[Array, "2 ..."], trajectory: Trajectory, whose: Int[Array, ""] | int, discount: Any, config: Config
) -> Float[Array, ""]:
    """The return of player `whose` as a function of both players' logits, from episodes they played.

    Args:
        trajectory: of both players, leaves `[2, T, B, ...]`.
    """
    log_prob = jax.vmap(lambda own, seen: unroll(tabular.TABULAR, own, (), seen)[1].log_prob)(logits, trajectory).sum(0)
    if config.loaded:
        return loaded_dice(log_prob, trajectory.reward[whose], discount, config.loaded_decay)
    return dice(log_prob, trajectory.reward[whose], discount)


def fitted(model: Array, trajectory: Trajectory, config: Config) -> Array:
    """`model` after `model_steps` steps up the mean log-likelihood of one player's actions, leaves `[T, B, ...]`."""

    def likelihood(model: Array) -> Float[Array, ""]:
        return unroll(tabular.TABULAR, model, (), trajectory)[1].log_prob.mean()

    def climb(model: Array, _: None) -> tuple[Array, None]:
        return model + config.model_lr * jax.grad(likelihood)(model), None

    return jax.lax.scan(climb, model, None, length=config.model_steps)[0]


def make(game: Game, config: Config, seats: Sequence[int] | None = None) -> Learner:
    """A LOLA-DiCE learner for one or both of two players. Every batch is of whole episodes, from reset to end.

    Raises:
        Misfit: the game has not two players, does not show a vector, or does not take one of several actions.
    """
    if game.spec.num_players != 2:
        raise Misfit(f"lola-dice shapes one opponent and needs a game of two players, not {game.spec.num_players}")
    seats = (0, 1) if seats is None else tuple(seats)

    def play(key: PRNGKeyArray, logits: Float[Array, "2 ..."]) -> Step:
        held = unstack(jax.lax.stop_gradient(logits), 2)
        return episodes(key, game, (tabular.TABULAR,) * 2, held, config.num_games)[1]

    def returns(logits: Float[Array, "2 ..."], played: Step, whose: Int[Array, ""]) -> Float[Array, ""]:
        return objective(logits, per_player(played, (0, 1)), whose, game.discount, config)

    def shaped(key: PRNGKeyArray, own: Array, other: Array, i: Int[Array, ""]) -> tuple[Array, Array]:
        """Gradient of player i's return through the opponent's imagined steps, and the rewards before any of them."""
        inner_key, outer_key = jax.random.split(key)

        def pair(own: Array, other: Array) -> Float[Array, "2 ..."]:
            return jnp.where(i == 0, jnp.stack([own, other]), jnp.stack([other, own]))

        def through(own: Array) -> tuple[Float[Array, ""], Array]:
            imagined, batches = other, []
            for k in jax.random.split(inner_key, config.lookaheads):  # a scan would store more and take longer
                batches.append(play(k, pair(own, imagined)))
                gradient = jax.grad(lambda x, batch: returns(pair(own, x), batch, 1 - i))(imagined, batches[-1])
                imagined = imagined + config.rate_in * gradient
            batches.append(play(outer_key, pair(own, imagined)))
            return returns(pair(own, imagined), batches[-1], i), batches[0].reward

        return jax.grad(through, has_aux=True)(own)

    def learn(key: PRNGKeyArray, state: State, others: Array) -> tuple[State, Array]:
        """One step of every seat against `others`, what each takes its opponent's policy to be."""
        keys = jax.random.split(key, len(seats))
        gradient, reward = jax.vmap(shaped)(keys, state.logits, others, jnp.array(seats))
        return state._replace(logits=state.logits + config.lr * gradient), reward[0]

    def init(key: PRNGKeyArray) -> State:
        keys = jax.random.split(key, len(seats))
        logits = jax.vmap(lambda k: tabular.init(k, game, config.init_std, "lola-dice"))(keys)
        return State(logits, jnp.zeros_like(logits))

    def step(key: PRNGKeyArray, state: State) -> tuple[State, Metrics]:
        if config.model_opponent:
            play_key, learn_key = jax.random.split(key)
            return update(learn_key, state, play(play_key, state.logits), ())
        state, reward = learn(key, state, state.logits[::-1])
        return state, measured(reward)

    def update(key: PRNGKeyArray, state: State, played: Step, carry: Any) -> tuple[State, Metrics]:
        """Learns with the opponent's policy as its actions show it: nobody's logits but one's own are read."""
        del carry
        trajectory = per_player(played, [1 - i for i in seats])
        models = jax.vmap(lambda model, theirs: fitted(model, theirs, config))(state.models, trajectory)
        state, _ = learn(key, state._replace(models=models), models)
        return state, measured(played.reward)

    def measured(reward: Float[Array, "T B 2"]) -> Metrics:
        return {"reward": reward.mean((0, 1)), "value": normalized(reward, game.discount)}

    def policy(state: State) -> tuple[tuple[Policy, Params], ...]:
        return tuple((tabular.TABULAR, state.logits[i]) for i in range(len(seats)))

    def with_params(state: State, seat: int, params: Params) -> State:
        return state._replace(logits=state.logits.at[seat].set(params))

    return Learner(init, step, policy, update, with_params)
