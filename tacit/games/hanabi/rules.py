"""Hanabi for two to five players, with the rules of the reference engine (hanabi-learning-environment).

Players see all cards but their own, and play them onto one stack for each color, in order of rank. On its turn a player
plays a card, discards one (which brings back an information token), or pays a token to tell another player which of
its cards have a color or a rank. A card that does not fit costs a life. The game ends when the lives are gone (the
score is then 0), when all stacks are complete, or when each player has moved once after the last card was drawn. All
are paid what the score, the number of cards on the stacks, changes by.

A state is small integers and bit masks, so that thousands of games fit a processor's cache; what players see is built
from it only when it is asked for (`tacit.games.hanabi.observation`).

Source: hanabi-learning-environment, hanabi_lib/hanabi_state.cc and hanabi_game.cc; Bard et al. 2020, section 3.
Departures: an action that is not legal changes nothing, where the reference engine aborts; waiting is an action.
"""

import dataclasses
import functools
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int, Int8, PRNGKeyArray, PyTree

from tacit.games.base import Game
from tacit.games.hanabi import beliefs_by_slot, deal, moves, observation, turns, views
from tacit.games.hanabi.beliefs import facts
from tacit.games.hanabi.cards import one_hot
from tacit.games.hanabi.hand_hypotheses import HandHypotheses
from tacit.games.hanabi.symmetry import inverse, relabeled_action, relabeled_legal, relabeled_observation
from tacit.games.hanabi.variant import (
    COMPLETE,
    NOTHING,
    OUT_OF_LIVES,
    HanabiState,
    LastMove,
    Variant,
)
from tacit.types import Discrete, Level, Outcome, Real, Spec


class HanabiGame(Variant):
    """Hanabi. The presets `hanabi`, `hanabi_small` and `hanabi_very_small` are those of the reference engine.

    A level is the order of the deck `[D]`: the first cards go to player 0, oldest first, the next to player 1, ...
    It may be fixed from the start on and `NOTHING` afterwards, but for the deal, which is fixed wholly or not at all;
    what is not fixed is drawn when it is dealt.
    """

    @property
    def spec(self) -> Spec:
        top = self.num_cards
        seen = Real((observation.sections(self).length,), 0.0, 1.0)
        return Spec(self.players, seen, Discrete(self.num_moves + 1), self.longest, (float(1 - top), 1.0))

    @property
    def truncates(self) -> bool:
        return False

    def on_turn(self, state: HanabiState) -> Int8[Array, ""]:
        """Whose turn it is; all else is waiting."""
        return state.player

    def sample_level(self, key: PRNGKeyArray) -> Level:
        """Nothing fixed: every card is drawn when it is dealt, which costs less than a shuffle."""
        del key
        return jnp.full(self.deck_size, NOTHING, jnp.int8)

    def shuffled(self, key: PRNGKeyArray) -> Int8[Array, " D"]:
        """A level with the whole order fixed. The key is consumed."""
        return jax.random.permutation(key, jnp.asarray(deal.all_cards(self)))

    def level(self, cards: Sequence[int]) -> Int8[Array, " D"]:
        """The level whose deck begins with these cards: none, those of the deal, or more.

        Raises:
            InputError: the deck has no such card or not so many, or these are not all cards of the deal.
        """
        return deal.level(self, cards)

    def reset(self, key: PRNGKeyArray, level: Level | None = None) -> HanabiState:
        order = self.sample_level(key) if level is None else level
        hands = deal.deal(self, jax.random.bits(key, (deal.num_words(self),)), order)
        deck = jnp.asarray(self.full_deck) - one_hot(hands, self.num_cards).sum((0, 1), dtype=jnp.int8)
        held = hands.shape
        nothing, no = jnp.int8(NOTHING), jnp.bool_(False)
        return HanabiState(
            deck=deck,
            order=order,
            dealt=jnp.int8(hands.size),
            hands=hands,
            color_mask=jnp.full(held, 2**self.colors - 1, jnp.uint8),
            rank_mask=jnp.full(held, 2**self.ranks - 1, jnp.uint8),
            color_hinted=jnp.zeros(held, bool),
            rank_hinted=jnp.zeros(held, bool),
            fireworks=jnp.zeros(self.colors, jnp.int8),
            discards=jnp.zeros(self.num_cards, jnp.int8),
            information=jnp.int8(self.information),
            lives=jnp.int8(self.lives),
            player=jnp.int8(0),
            turns_left=nothing if self.stock_size else jnp.int8(self.players),
            last=LastMove(nothing, nothing, nothing, nothing, nothing, jnp.uint8(0), nothing, nothing, no, no),
            terminated=no,
            truncated=no,
        )

    def observe(self, state: HanabiState) -> Array:
        return observation.observe(self, state)

    def legal(self, state: HanabiState) -> Bool[Array, "P A"]:
        return moves.legal(self, state)

    def step(self, key: PRNGKeyArray, state: HanabiState, action: Int[Array, " P"]) -> tuple[HanabiState, Outcome]:
        """Plays the action of who is on turn; those of the others are not read.

        What is not legal changes nothing and pays nothing: the same player stays on turn (`check_move` says why).
        """
        own = one_hot(state.player, self.players)
        chosen = jnp.where(own, action, 0).sum(dtype=action.dtype)
        move = turns.Move(*jnp.asarray(np.stack(moves.moves(self), axis=1))[chosen])
        new = turns.moved(self, jax.random.bits(key), state, move)
        done = turns.allowed(self, state, move, new) & (chosen >= 0)
        new = jax.tree.map(lambda stay, go: jnp.where(done, go, stay), state, new)
        reward = (self.score(new) - self.score(state)).astype(float)
        return new, Outcome(jnp.broadcast_to(reward, (self.players,)), new.terminated, new.truncated)

    def shown_in(self, other: Game) -> Callable[[PyTree], PyTree] | None:
        """From the canonical view to the one with beliefs, by the same rules."""
        if self.view != "canonical" or other != dataclasses.replace(self, view="v0-belief"):
            return None
        return functools.partial(views.with_beliefs, self)

    def score(self, state: HanabiState) -> Int8[Array, ""]:
        """Cards on the stacks; 0 once the lives are gone."""
        return turns.score(state)

    def end_code(self, state: HanabiState) -> Int8[Array, ""]:
        """`RUNNING`, or how the game ended: `OUT_OF_LIVES`, `OUT_OF_CARDS` or `COMPLETE`; the numbers are HLE's."""
        return turns.end_code(self, state)

    def measure(self, state: HanabiState) -> dict[str, Array]:
        """Whether the lives were lost, whether the game was perfect, and the score without the loss of lives."""
        code, before = self.end_code(state), state.fireworks.sum(dtype=jnp.int8)
        return {"bombed": code == OUT_OF_LIVES, "perfect": code == COMPLETE, "score_before_bomb": before}

    @property
    def guesses(self) -> tuple[int, int]:
        """Each own slot: its card can be played now, was played already, or is another."""
        return self.hand_size, 3

    def answers(self, state: HanabiState) -> Int8[Array, "P h"]:
        return turns.uses(self, state)

    def check_move(self, state: HanabiState, action: int) -> None:
        """Checks a move of who is on turn, outside of compiled code.

        Raises:
            InputError: it is not legal; the line says why.
        """
        moves.check(self, state, action)

    def hidden(self, state: HanabiState, player: int | Int[Array, ""]) -> Int8[Array, " h"]:
        """The player's own cards, `NOTHING` where there is none."""
        return state.hands[player]

    def with_hidden(self, state: HanabiState, player: int | Int[Array, ""], hidden: Int8[Array, " h"]) -> HanabiState:
        """The game in which the player holds these cards: its old ones are back in the deck, and these are not there.

        What hints said about the slots stays as it is, and so must hold for the new cards too. The rest of the deck is
        no longer in a fixed order.
        """
        counts = [one_hot(cards, self.num_cards).sum(0, dtype=jnp.int8) for cards in (state.hands[player], hidden)]
        places = jnp.arange(self.deck_size, dtype=jnp.int8)
        return state._replace(
            deck=state.deck + counts[0] - counts[1],
            order=jnp.where(places < state.dealt, state.order, NOTHING),
            hands=state.hands.at[player].set(hidden),
        )

    def sample_hidden(self, key: PRNGKeyArray, state: HanabiState, player: int | Int[Array, ""]) -> Int8[Array, " h"]:
        """A hand of the player, drawn in proportion to the ways in which the cards it has not seen can make it up."""
        return beliefs_by_slot.propose(key, facts(self, state, player))[0]

    def hypotheses(self) -> HandHypotheses:
        """All hands.

        Raises:
            Misfit: they are too many.
        """
        return HandHypotheses(self)

    def sample_symmetry(self, key: PRNGKeyArray) -> Int8[Array, " c"]:
        """A permutation of the colors: color k is called `symmetry[k]`. The key is consumed."""
        return jax.random.permutation(key, jnp.arange(self.colors, dtype=jnp.int8))

    def identity(self) -> Int8[Array, " c"]:
        return jnp.arange(self.colors, dtype=jnp.int8)

    def inverse(self, symmetry: Int8[Array, " c"]) -> Int8[Array, " c"]:
        return inverse(symmetry)

    def relabel_observation(self, symmetry: Int8[Array, " c"], obs: Array) -> Array:
        return relabeled_observation(self, symmetry, obs)

    def relabel_legal(self, symmetry: Int8[Array, " c"], legal: Bool[Array, " A"]) -> Bool[Array, " A"]:
        return relabeled_legal(self, symmetry, legal)

    def relabel_action(self, symmetry: Int8[Array, " c"], action: Int[Array, ""]) -> Int[Array, ""]:
        return relabeled_action(self, symmetry, action)


def hanabi() -> HanabiGame:
    """Hanabi for two players with five colors and five ranks."""
    return HanabiGame()


def hanabi_small() -> HanabiGame:
    """Two colors, hands of two cards, three information tokens and one life."""
    return HanabiGame(colors=2, hand=2, information=3, lives=1)


def hanabi_very_small() -> HanabiGame:
    """One color, hands of two cards, three information tokens and one life."""
    return HanabiGame(colors=1, hand=2, information=3, lives=1)
