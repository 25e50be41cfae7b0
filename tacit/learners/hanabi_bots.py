"""Scripted players of Hanabi: lists of rules, of which the first that applies decides; for any variant and view.

A rule is a set of moves; a player takes one of the set of its first rule that has a legal move in it, at random where
there are several. Everything is decided from the observation at hand, without memory. All players of a variant are one
policy whose parameters say which rules it has, in order, so that any of them meet in one compiled program.

The cautious players and Piers, Flawed and Van den Bergh are those of Walton-Rivers et al. 2017 as their public code
builds them (Fireworks, com.fossgalaxy.games.fireworks.ai: IGGIFactory, VanDenBerghFactory, rule). They mean by a hint
what it says. The two convention players do not: each takes one kind of hint, told by the player before it, as the
instruction to play the newest of the touched cards, and uses the other kind to pass the time. So each works with its
like and misleads the other.

Departures: what is known of a card includes what hints exclude; cards that can never be played because others were
lost count as useless in all rules; a card equal to the top of its stack counts as dispensable.
"""

import enum
import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

from tacit.errors import Misfit
from tacit.games.base import Game
from tacit.games.hanabi.rules import HanabiGame
from tacit.learners.hanabi_sight import Sight, sight
from tacit.ops import categorical
from tacit.types import Carry, Choice, Policy

LEAST = -1e30  # the logarithm of a probability of 0, where it has to stay finite


class Rule(enum.IntEnum):
    """Rules, by what they do. Slots are tried from the oldest, other players from the next."""

    PLAY_SAFE = 0  # a card that is certainly playable
    PLAY_LIKELY_60 = 1  # the likeliest card, from 60 % on, with more than one life left
    PLAY_LIKELY_25 = 2  # the likeliest card, from 25 % on
    PLAY_AT_LAST = 3  # the likeliest card, once the deck is empty, with more than one life left
    TELL_PLAYABLE = 4  # the rank of a playable card, or its color where the rank was told
    TELL_DISPENSABLE = 5  # with fewer than four tokens: what shows that a card is on its stack already
    TELL_USELESS = 6  # the rank of a useless card, or its color where the rank was told
    TELL_MOST = 7  # the hint that touches most cards
    TELL_ANYTHING = 8  # any hint
    DISCARD_USELESS = 9  # a card that is certainly useless
    DISCARD_LIKELY_USELESS = 10  # the card that is most likely useless
    DISCARD_OLDEST = 11
    DISCARD_ANY = 12
    PLAY_BY_COLOR = 13  # the newest card that the player before told the color of, unless it cannot be playable
    PLAY_BY_RANK = 14
    TELL_BY_COLOR = 15  # the next player a color whose newest card is playable
    TELL_BY_RANK = 16
    PASS_BY_COLOR = 17  # any color
    PASS_BY_RANK = 18  # any rank
    ANYTHING = 19  # any legal move, waiting too; the last of all rules


class Moves(NamedTuple):
    """A set of moves, by kind."""

    discard: Bool[Array, " h"]
    play: Bool[Array, " h"]
    color: Bool[Array, "others c"]
    rank: Bool[Array, "others r"]


def sets(seen: Sight) -> dict[Rule, Moves]:
    """The moves of every rule but `ANYTHING`; illegal ones may be among them."""
    no, held, several = _nothing(seen), seen.held, seen.lives > 1
    color, rank = jnp.ones_like(no.color), jnp.ones_like(no.rank)
    return {
        Rule.PLAY_SAFE: no._replace(play=_first((seen.safe == 1) & held)),
        Rule.PLAY_LIKELY_60: no._replace(play=_likeliest(seen.safe, held, 0.6) & several),
        Rule.PLAY_LIKELY_25: no._replace(play=_likeliest(seen.safe, held, 0.25)),
        Rule.PLAY_AT_LAST: no._replace(play=_likeliest(seen.safe, held, 0.0) & several & (seen.deck == 0)),
        Rule.TELL_PLAYABLE: _tell(seen, _first(seen.playable & ~(seen.color_told & seen.rank_told)), ~seen.rank_told),
        Rule.TELL_DISPENSABLE: _dispensable(seen),
        Rule.TELL_USELESS: _tell(seen, _first(seen.useless), ~seen.rank_told),
        Rule.TELL_MOST: _most(seen),
        Rule.TELL_ANYTHING: no._replace(color=color, rank=rank),
        Rule.DISCARD_USELESS: no._replace(discard=_first((seen.dead == 1) & held)),
        Rule.DISCARD_LIKELY_USELESS: no._replace(discard=_likeliest(seen.dead, held, 0.0)),
        Rule.DISCARD_OLDEST: no._replace(discard=_first(held)),
        Rule.DISCARD_ANY: no._replace(discard=held),
        Rule.PLAY_BY_COLOR: no._replace(play=_last(seen.touched[0]) & (seen.safe > 0)),
        Rule.PLAY_BY_RANK: no._replace(play=_last(seen.touched[1]) & (seen.safe > 0)),
        Rule.TELL_BY_COLOR: no._replace(color=_newest_playable(seen, seen.colors)),
        Rule.TELL_BY_RANK: no._replace(rank=_newest_playable(seen, seen.ranks)),
        Rule.PASS_BY_COLOR: no._replace(color=color),
        Rule.PASS_BY_RANK: no._replace(rank=rank),
    }


def _nothing(seen: Sight) -> Moves:
    empty = jnp.zeros_like(seen.held)
    return Moves(empty, empty, jnp.zeros_like(seen.colors[:, 0]), jnp.zeros_like(seen.ranks[:, 0]))


def _first(which: Bool[Array, "*shape"]) -> Bool[Array, "*shape"]:
    """The first of those that are true, alone."""
    flat = which.ravel()
    return (flat & (jnp.cumsum(flat) == 1)).reshape(which.shape)


def _last(which: Bool[Array, " h"]) -> Bool[Array, " h"]:
    return _first(which[::-1])[::-1]


def _likeliest(chance: Array, held: Bool[Array, " h"], least: float) -> Bool[Array, " h"]:
    """The card with the largest chance, the newest of equals, if that is at least so large."""
    chance = jnp.where(held, chance, -1.0)
    return _last((chance == chance.max()) & (chance >= least))


def _tell(seen: Sight, cards: Bool[Array, "others h"], by_rank: Bool[Array, "others h"]) -> Moves:
    """Hints of these cards' ranks where `by_rank`, else of their colors."""
    color = ((cards & ~by_rank)[:, :, None] & seen.colors).any(1)
    rank = ((cards & by_rank)[:, :, None] & seen.ranks).any(1)
    return _nothing(seen)._replace(color=color, rank=rank)


def _dispensable(seen: Sight) -> Moves:
    """The first hint that alone, or with what was told before, shows that a card is on its stack already."""
    ranks = seen.ranks.shape[2]
    rank = (seen.ranks * jnp.arange(ranks)[None, None]).sum(2)
    height = (seen.colors * seen.fireworks[None, None]).sum(2)
    there = seen.colors.any(2)
    complete = there & ~seen.color_told & (height == ranks)
    common = there & ~seen.rank_told & (rank < seen.fireworks.min())
    second = there & (seen.color_told ^ seen.rank_told) & (rank < height)
    by_rank = ~complete & (common | ~seen.rank_told)
    found = _tell(seen, _first(complete | common | second), by_rank)
    few = seen.information < 4
    return found._replace(color=found.color & few, rank=found.rank & few)


def _most(seen: Sight) -> Moves:
    """The hint that touches most cards: of equals the next player's, and rather a rank."""
    counts = jnp.concatenate([seen.ranks.sum(1), seen.colors.sum(1)], axis=1)
    chosen = _first((counts == counts.max()) & (counts > 0))
    ranks = seen.ranks.shape[2]
    return _nothing(seen)._replace(rank=chosen[:, :ranks], color=chosen[:, ranks:])


def _newest_playable(seen: Sight, values: Bool[Array, "others h v"]) -> Bool[Array, "others v"]:
    """The first value of which the next player's newest card is playable, and not known to be so."""
    newer = jnp.cumsum(values[0, ::-1], axis=0)[::-1] - values[0]
    newest = values[0] & (newer == 0)
    good = seen.playable[0] & ~(seen.color_told[0] & seen.rank_told[0])
    chosen = _first((newest & good[:, None]).any(0))
    return jnp.concatenate([chosen[None], jnp.zeros_like(values[1:, 0])])


class Bot(NamedTuple):
    """A scripted player of Hanabi: its rules, from the first to the last."""

    rules: tuple[Rule, ...]

    def seated(self, game: Game, seats: Sequence[int]) -> tuple[Policy, list[Int[Array, " rules"]]]:
        """Its policy, and its parameters in each of these seats.

        Raises:
            Misfit: the game is not Hanabi.
        """
        if not isinstance(game, HanabiGame):
            raise Misfit(f"this player plays Hanabi (hanabi, hanabi-small, ...), not {type(game).__name__}")
        shape = (game.players, game.colors, game.ranks, game.hand, game.information, game.lives)
        params = jnp.array([*self.rules, *[Rule.ANYTHING] * (MOST_RULES - len(self.rules))], jnp.int32)
        return policy(*shape), [params for _ in seats]


@functools.cache
def policy(players: int, colors: int, ranks: int, hand: int, information: int, lives: int) -> Policy:
    """The policy of all scripted players of a variant; its parameters are numbers of rules, in order."""
    variant = HanabiGame(players, colors, ranks, hand, information, lives)

    def act(
        key: Any,
        params: Int[Array, " rules"],
        carry: Carry,
        obs: Array,
        legal: Bool[Array, " A"],
        fresh: Array,
        given: Any = None,
    ) -> tuple[Carry, Array, Choice]:
        del fresh
        found = sets(sight(variant, obs))
        rows = [jnp.concatenate([part.ravel() for part in found[rule]]) for rule in Rule if rule in found]
        moves = jnp.pad(jnp.stack(rows), ((0, 0), (0, 1)))  # waiting is nobody's rule
        able = jnp.concatenate([moves & legal[None], legal[None]])[params]
        chosen = able[jnp.argmax(able.any(1))]
        log_probs = jnp.where(chosen, -jnp.log(chosen.sum().astype(float)), LEAST)
        action, choice = categorical.choose(key, log_probs, jnp.zeros(()), given)
        return carry, action, choice

    return Policy(lambda: (), act)


MOST_RULES = 8  # of a player

RANDOM_LEGAL = Bot((Rule.ANYTHING,))
CAUTIOUS = Bot((Rule.PLAY_SAFE, Rule.TELL_PLAYABLE, Rule.DISCARD_USELESS, Rule.DISCARD_ANY, Rule.TELL_ANYTHING))
IGGI = Bot((Rule.PLAY_SAFE, Rule.TELL_PLAYABLE, Rule.DISCARD_USELESS, Rule.DISCARD_OLDEST, Rule.TELL_ANYTHING))
PIERS = Bot(
    (
        Rule.PLAY_AT_LAST,
        Rule.PLAY_SAFE,
        Rule.PLAY_LIKELY_60,
        Rule.TELL_PLAYABLE,
        Rule.TELL_DISPENSABLE,
        Rule.DISCARD_USELESS,
        Rule.DISCARD_OLDEST,
        Rule.TELL_ANYTHING,
    )
)
FLAWED = Bot((Rule.PLAY_SAFE, Rule.PLAY_LIKELY_25, Rule.TELL_ANYTHING, Rule.DISCARD_USELESS, Rule.DISCARD_OLDEST))
VAN_DEN_BERGH = Bot(
    (
        Rule.PLAY_LIKELY_60,
        Rule.PLAY_SAFE,
        Rule.DISCARD_USELESS,
        Rule.TELL_PLAYABLE,
        Rule.TELL_USELESS,
        Rule.TELL_MOST,
        Rule.DISCARD_LIKELY_USELESS,
    )
)
RANK_CONVENTION = Bot(
    (
        Rule.PLAY_BY_RANK,
        Rule.PLAY_SAFE,
        Rule.TELL_BY_RANK,
        Rule.DISCARD_USELESS,
        Rule.DISCARD_OLDEST,
        Rule.PASS_BY_COLOR,
    )
)
COLOR_CONVENTION = Bot(
    (
        Rule.PLAY_BY_COLOR,
        Rule.PLAY_SAFE,
        Rule.TELL_BY_COLOR,
        Rule.DISCARD_USELESS,
        Rule.DISCARD_OLDEST,
        Rule.PASS_BY_RANK,
    )
)
