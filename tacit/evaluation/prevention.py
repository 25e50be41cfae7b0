"""What players of the witness tell each other, by the meaning of words and beyond it: an audit of whole teams.

A team is a pair of tables (`two_step_exact.Joint`), whichever way it learned, so what it tells and what it earns with
its own and with others is computed. Beside that it is audited as strangers would have to do it: from a number of its
messages (`message_detector`).
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from tacit.evaluation import message_detector as detector
from tacit.evaluation.message_meaning import (
    Meaning,
    Parts,
    declared,
    decompose,
    grounded_gap,
    grounded_listener,
    wording_influence,
)
from tacit.evaluation.message_metrics import causal_influence
from tacit.evaluation.table_audit import Returns, returns
from tacit.evaluation.two_step import meet
from tacit.games.two_step_exact import Joint
from tacit.games.witness import Witness
from tacit.types import Params, Policy, Trained


class Team(NamedTuple):
    """What was found of one team.

    Attributes:
        earned: alone, and with the channel or one of the two changed.
        told: what the witness tells, in bits a message.
        influence: I(M; A) where the message is set to what is said, in bits: how far the listener listens.
        wording_influence: the same where only the wording is set.
        gap: how far the listener is from one that takes statements at their word, E KL in bits.
        found: of wording, selection and lies, what the detector says from a number of messages.
    """

    earned: Returns
    told: Parts
    influence: float
    wording_influence: float
    gap: float
    found: list[detector.Finding]

    @property
    def hidden(self) -> float:
        """What is told beyond the meaning of words, in bits a message: wording and selection."""
        return float(self.told.wording + self.told.selection)


class Audit(NamedTuple):
    """Several teams that learned in the same way.

    Attributes:
        teams: one by one.
        strangers: `[S, S]` expected payoff of the witness of the row with the listener of the column.
    """

    teams: list[Team]
    strangers: np.ndarray


class Asked(NamedTuple):
    """How teams are audited from what they say."""

    messages: int = 5000
    level: float = 0.02
    least: float = 0.02
    permutations: int = 500
    draws: int = 200
    seed: int = 0


def meaning(game: Witness) -> Meaning:
    """What messages in the game are declared to mean."""
    return declared(game.literal, game.claims)


def audit(game: Witness, teams: Joint, asked: Asked | None = None) -> Audit:
    """All that was found of teams.

    Args:
        teams: log-probabilities, leaves `[S, ...]`.
        asked: how they are audited from what they say; its defaults, if not given.
    """
    first, second = (np.exp(np.asarray(table, float)) for table in teams)
    pairs = enumerate(zip(first, second, strict=True))
    each = [_team(game, said(game, one), two[None], asked or Asked(), place) for place, (one, two) in pairs]
    return Audit(each, np.asarray(meet(game, teams)))


def said(game: Witness, first: Float[np.ndarray, "x a"]) -> Float[np.ndarray, "1 x m"]:
    """A witness' openings as the messages that arrive, p(m | x)."""
    arrives = np.eye(game.num_sets)[game.shown[:, 0]]  # [x, a, m]
    return np.einsum("xa,xam->xm", first, arrives)[None]


def _team(game: Witness, speaker: np.ndarray, listener: np.ndarray, asked: Asked, place: int) -> Team:
    means, state = meaning(game), np.asarray(game.prior, float).T  # [1, x]
    payoff = np.asarray(game.rewards, float)[:, :, 0].swapaxes(0, 1)  # [1, x, a]
    together = state[..., None] * speaker
    grounded = grounded_listener(state, means, payoff)
    generator = np.random.default_rng((asked.seed, place))
    counts = generator.multinomial(asked.messages, together.ravel() / together.sum()).reshape(together.shape)
    return Team(
        returns(state, speaker, listener, payoff, means),
        decompose(together, means),
        float(causal_influence(together.sum(1), listener, np.ones(1))),
        float(wording_influence(together.sum(1), listener, means)),
        grounded_gap(together.sum(1), listener, grounded),
        detector.detect(
            counts, means, asked.level, asked.least, permutations=asked.permutations, draws=asked.draws, seed=place
        ),
    )


def tables(run: Trained) -> Joint:
    """What learned players of a two-step game do in all that they may see, as log-probabilities, leaves `[S, ...]`."""
    learner, state = run.make(run.game, run.config), jax.tree.map(jnp.asarray, run.state)
    policies = [policy for policy, _ in learner.policy(jax.tree.map(lambda leaf: leaf[0], state))]
    params = jax.vmap(lambda one: tuple(params for _, params in learner.policy(one)))(state)
    return jax.jit(functools.partial(_asked, run.game, policies[0], policies[-1]))(params[0], params[-1])


def _asked(game: Any, first: Policy, second: Policy, of_first: Params, of_second: Params) -> Joint:
    cards, openings, waiting = game.sizes.first, game.sizes.openings, game.sizes.openings + game.sizes.replies
    seen, action = jnp.eye(cards + game.num_sets + 1), jnp.arange(waiting + 1)
    opens, replies = action < openings, (action >= openings) & (action < waiting)

    def says(policy: Policy, legal: Array, params: Params, obs: Array) -> Array:
        key = jax.random.key(0)  # nothing is drawn from the policy; it is asked for all its chances
        return policy.act(key, params, policy.init_carry(), obs, legal, jnp.bool_(True))[2].log_probs

    def of(policy: Policy, legal: Array, params: Params, rows: Array) -> Array:
        ask = functools.partial(says, policy, legal)
        return jax.vmap(lambda each: jax.vmap(functools.partial(ask, each))(rows))(params)

    one, two = of(first, opens, of_first, seen[:cards]), of(second, replies, of_second, seen[cards:-1])
    return Joint(one[..., :openings], two[..., openings:waiting])
