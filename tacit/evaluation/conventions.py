"""Conventions of Hanabi players: what their moves say, what they knew of the cards they played, what follows what.

Models are watched at play, with their twins or with each other, and each move is taken apart:

- of a card that is played: was its color, its rank, both or neither known? By the hints that named it, and by all that
  the rules tell of it alone (the cards that hints and counts leave for it are of one color, of one rank), as Off-Belief
  Learning's public code counts. And how likely was it to score by the grounded belief?
- of any move: how many bits it tells about the hand of who hears it (`conventions_bits`);
- which move follows which (`action_matrix`).

A player that takes hints at their word plays what the rules tell it is playable. One that scores more often than the
rules could tell reads more into moves than they say.

Source: facebookresearch/off-belief-learning, rlcc/r2d2_actor.cc (analyzeCardBelief) and pyhanabi/tools/eval_model.py.
Departure: the chance of a card is that of the whole hand's grounded belief, exactly.
"""

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key, PRNGKeyArray

from tacit import scale
from tacit.errors import Misfit
from tacit.evaluation import conventions_bits as bits
from tacit.evaluation.conventions_bits import Bits
from tacit.evaluation.cross_play import Model
from tacit.games.base import Game
from tacit.games.hanabi import beliefs_by_slot as by_slot
from tacit.games.hanabi.beliefs import facts, num_hypotheses
from tacit.games.hanabi.moves import moves
from tacit.games.hanabi.rules import HanabiGame
from tacit.games.hanabi.variant import OUT_OF_LIVES, PLAY, HanabiState
from tacit.loops import joint, rollout, start
from tacit.types import Params, Policy, Step

MOST_GAMES, MOST_HANDS = 128, 2**16  # that are watched, and supposed in them, at a time
LEAST_GAMES = 2  # of which there is a standard error
CERTAIN = 1 - 1e-5  # chances above are 1 but for rounding


class Played(NamedTuple):
    """What a player knew of a card that it played; anything where a move is no play."""

    color_told: Bool[Array, "*T"]
    rank_told: Bool[Array, "*T"]
    color_known: Bool[Array, "*T"]
    rank_known: Bool[Array, "*T"]
    chance: Float[Array, "*T"]
    scored: Bool[Array, "*T"]


class Watched(NamedTuple):
    """G games, move by move.

    Attributes:
        action: `[G, T]` moves in order of time, -1 after the end.
        played: leaves `[G, T]`.
        told: leaves `[G, T]`; NaN where a figure cannot be had.
        score: `[G]` points at the end.
        bombed: `[G]` whether all lives were lost.
    """

    action: np.ndarray
    played: Played
    told: Bits
    score: np.ndarray
    bombed: np.ndarray


def watch(
    game: Game,
    model: Model,
    partner: Model | None = None,
    games: int = 200,
    seed: int = 0,
    hands: int = 64,
    epsilon: float = 0.01,
) -> Watched:
    """Watches a model play, with its twin or with a partner in all seats but the first.

    Args:
        games: G. Whoever plays, the decks are the same.
        hands: drawn for each move where they cannot be listed.
        epsilon: share of moves that a listener thinks were made without regard to any hand.

    Raises:
        Misfit: the game is not Hanabi, there are too few games, or a model has no policy for some seat.
    """
    game = hanabi_only(game)
    if games < LEAST_GAMES:
        raise Misfit(f"conventions need {LEAST_GAMES} games or more, got {games}")
    seats = (model.seats[0], *(partner or model).seats[1:])
    if len(seats) != game.players:
        raise Misfit(f"{(partner or model).name} has policies for {len(seats)} seats, and the game has {game.players}")
    policies, params = zip(*seats, strict=True)
    supposed = num_hypotheses(game) if bits.listed(game) else hands
    size = min(games, MOST_GAMES, max(1, MOST_HANDS // supposed))
    fold, share = functools.partial(jax.random.fold_in, jax.random.key(seed)), jnp.asarray(epsilon, float)
    blocks = []
    with scale.precision_of(list(params)):
        for first in range(0, games, size):
            keys = jax.vmap(fold)(jnp.arange(first, first + size, dtype=jnp.uint32))
            watched = _block(policies, hands, game, params, share, keys)
            blocks.append(jax.tree.map(np.asarray, watched))
    return Watched(*jax.tree.map(lambda *leaves: np.concatenate(leaves)[:games], *blocks))


def hanabi_only(game: Game) -> HanabiGame:
    """The game, if it is Hanabi.

    Raises:
        Misfit: it is not.
    """
    if not isinstance(game, HanabiGame):
        raise Misfit(f"conventions are those of Hanabi (hanabi, hanabi-small, ...), not of {type(game).__name__}")
    return game


@functools.partial(jax.jit, static_argnums=(0, 1))
def _block(
    policies: tuple[Policy, ...],
    hands: int,
    game: HanabiGame,
    params: tuple[Params, ...],
    epsilon: Float[Array, ""],
    keys: Key[Array, " G"],
) -> tuple[Array, Played, Bits, Array, Array]:
    """The fields of `Watched`, of one game for each key."""
    levels, everyone = jax.vmap(game.shuffled)(keys), joint(policies)
    start_key, play_key, hand_key = (jax.random.fold_in(keys[0], part) for part in range(3))

    def act(keys: Any, **seen: Any) -> Any:
        return everyone(keys, params, **seen)

    live = start(start_key, game, policies, len(keys), levels)
    live, steps = rollout(play_key, game, act, live, game.spec.max_length, reset=False)
    steps = steps._replace(obs=(), legal=(), extras=(), next_obs=())  # beliefs make their own
    action = jnp.take_along_axis(steps.action, steps.state.player[..., None].astype(int), axis=2)[..., 0]
    knew = jax.vmap(jax.vmap(functools.partial(knowledge, game)))(steps.state, action)
    told = _told(hand_key, game, policies, params, epsilon, steps, hands)
    made, knew, told = jax.tree.map(lambda leaf: leaf.T, (jnp.where(steps.state.terminated, -1, action), knew, told))
    score, code = jax.vmap(game.score)(live.state), jax.vmap(game.end_code)(live.state)
    return made, knew, told, score, code == OUT_OF_LIVES


def _told(
    key: PRNGKeyArray,
    game: HanabiGame,
    policies: Sequence[Policy],
    params: Sequence[Params],
    epsilon: Float[Array, ""],
    steps: Step,
    hands: int,
) -> Bits:
    """What each move told, leaves `[T, B]`; NaN where hands cannot be listed and policies remember."""
    shape = steps.fresh.shape
    if bits.listed(game):
        return jax.vmap(functools.partial(bits.exact, game, policies, params, epsilon), 1, 1)(steps)
    if any(jax.tree.leaves(policy.init_carry()) for policy in policies):
        unknown = jnp.full(shape, jnp.nan)
        return Bits(unknown, unknown, unknown, unknown)

    def at_once(inputs: tuple[PRNGKeyArray, Step]) -> Bits:
        keys, step = inputs
        return jax.vmap(lambda key, one: bits.sampled(key, game, policies, params, epsilon, one, hands))(keys, step)

    return jax.lax.map(at_once, (jax.random.split(key, shape), steps))


def knowledge(game: HanabiGame, state: HanabiState, action: Int[Array, ""]) -> Played:
    """What the player on turn knows of the card that it plays."""
    player, slot = state.player.astype(int), jnp.clip(action - game.hand_size, 0, game.hand_size - 1)
    known = facts(game, state, player)
    may = (known.fits[slot] & (known.unseen > 0)).reshape(game.colors, game.ranks)
    playable = (jnp.arange(game.ranks)[None] == state.fireworks[:, None]).ravel()
    return Played(
        color_told=state.color_hinted[player, slot],
        rank_told=state.rank_hinted[player, slot],
        color_known=may.any(axis=1).sum() == 1,
        rank_known=may.any(axis=0).sum() == 1,
        chance=by_slot.marginals(game, state, player)[slot] @ playable.astype(float),
        scored=playable[state.hands[player, slot].astype(int)],
    )


class Figure(NamedTuple):
    """A figure of one model: total over count in all games, with its standard error over games."""

    mean: float | None
    se: float | None


def ratio(totals: np.ndarray, counts: np.ndarray) -> Figure:
    """Total over count, where both vary from game to game, `[G]` each.

    The standard error is that of a ratio of means to first order: sd(total - mean * count) / (sqrt(G) mean count).
    """
    if not counts.sum() > 0:
        return Figure(None, None)
    mean = totals.sum() / counts.sum()
    deviation = np.std(totals - mean * counts, ddof=1) / np.sqrt(len(counts)) / counts.mean()
    return Figure(float(mean), float(deviation))


KINDS = ("play", "discard", "color hint", "rank hint")  # in the order of the kinds of moves
KNOWN = ("both", "color", "rank", "neither")


def figures(game: HanabiGame, seen: Watched) -> dict[str, dict[str, Figure]]:
    """All figures of one model, by what they are about and by name.

    The parts: `games` (score, bombed); `plays`: how many in a game, the shares of which color and rank were `told` (by
    hints alone) and `known`, which were certain, likely (1/2 and more) and unlikely to score by the grounded belief,
    the mean of that chance, the share that did score, and by how much it is above the chance; and for each of `Bits`
    the mean over all moves and over those of each kind.
    """
    made = seen.action >= 0
    kind = np.where(made, moves(game).kind[np.maximum(seen.action, 0)], -1)
    played: Any = jax.tree.map(np.asarray, seen.played)
    plays, chance, games = kind == PLAY, played.chance, np.ones(len(made))

    def share(which: np.ndarray, of: np.ndarray) -> Figure:
        return ratio(np.where(of, which, 0.0).sum(axis=1), of.sum(axis=1))

    parts = {
        "games": {"score": ratio(seen.score.astype(float), games), "bombed": ratio(seen.bombed.astype(float), games)},
        "plays": {
            "in a game": ratio(plays.sum(axis=1), games),
            **{f"told: {name}": share(which, plays) for name, which in _four(played.color_told, played.rank_told)},
            **{f"known: {name}": share(which, plays) for name, which in _four(played.color_known, played.rank_known)},
            "certain": share(chance > CERTAIN, plays),
            "likely": share((chance >= 0.5) & (chance <= CERTAIN), plays),
            "unlikely": share(chance < 0.5, plays),
            "chance by the rules": share(chance, plays),
            "scored": share(played.scored, plays),
            "above the rules": share(played.scored - chance, plays),
        },
    }
    chosen = {"all": made, **{name: kind == number for number, name in enumerate(KINDS)}}
    for name, values in seen.told._asdict().items():
        there = np.isfinite(values)
        parts[name] = {of: share(np.nan_to_num(values), which & there) for of, which in chosen.items()}
    return parts


def _four(color: np.ndarray, rank: np.ndarray) -> list[tuple[str, np.ndarray]]:
    return list(zip(KNOWN, (color & rank, color & ~rank, ~color & rank, ~color & ~rank), strict=True))
