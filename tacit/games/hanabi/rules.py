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

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int, Int8, PRNGKeyArray, UInt8, UInt32

from tacit.games.hanabi import beliefs_by_slot, moves, observation
from tacit.games.hanabi.beliefs import facts
from tacit.games.hanabi.hand_hypotheses import HandHypotheses
from tacit.games.hanabi.moves import below, colors_and_ranks, one_hot
from tacit.games.hanabi.symmetry import inverse, relabeled_action, relabeled_legal, relabeled_observation
from tacit.games.hanabi.variant import (
    COLOR_HINT,
    COMPLETE,
    DISCARD,
    NOTHING,
    OUT_OF_CARDS,
    OUT_OF_LIVES,
    PLAY,
    RANK_HINT,
    RUNNING,
    HanabiState,
    LastMove,
    Variant,
)
from tacit.types import Discrete, Level, Outcome, Real, Spec


class Move(NamedTuple):
    """One move, as its parts."""

    kind: Int8[Array, ""]
    slot: Int8[Array, ""]
    target: Int8[Array, ""]
    color: Int8[Array, ""]
    rank: Int8[Array, ""]


class Shown(NamedTuple):
    """What hints have said about all cards, and which slots the last one touched."""

    color_mask: UInt8[Array, "P h"]
    rank_mask: UInt8[Array, "P h"]
    color_hinted: Bool[Array, "P h"]
    rank_hinted: Bool[Array, "P h"]
    touched: UInt8[Array, ""]


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
        return jax.random.permutation(key, jnp.asarray(_cards(self)))

    def reset(self, key: PRNGKeyArray, level: Level | None = None) -> HanabiState:
        order = self.sample_level(key) if level is None else level
        held = (self.players, self.hand_size)
        count = self.players * self.hand_size
        drawn = jnp.asarray(_cards(self))[_distinct(jax.random.bits(key, (_enough(count),))[:count], self.deck_size)]
        dealt = jnp.where(order[0] >= 0, order[:count], drawn)
        deck = jnp.asarray(self.full_deck) - one_hot(dealt, self.num_cards).sum(0, dtype=jnp.int8)
        nothing, no = jnp.int8(NOTHING), jnp.bool_(False)
        return HanabiState(
            deck=deck,
            order=order,
            dealt=jnp.int8(count),
            hands=dealt.reshape(held),
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
        move = Move(*jnp.asarray(np.stack(moves.moves(self), axis=1))[chosen])
        new = self._moved(jax.random.bits(key), state, move)
        of_card = (new.last.card >= 0) & ((move.kind == PLAY) | (state.information < self.information))
        of_hint = (new.last.touched > 0) & (state.information > 0)
        allowed = (of_card | of_hint) & (chosen >= 0) & ~state.terminated
        new = jax.tree.map(lambda stay, go: jnp.where(allowed, go, stay), state, new)
        reward = (self.score(new) - self.score(state)).astype(float)
        return new, Outcome(jnp.broadcast_to(reward, (self.players,)), new.terminated, new.truncated)

    def score(self, state: HanabiState) -> Int8[Array, ""]:
        """Cards on the stacks; 0 once the lives are gone."""
        return jnp.where(state.lives == 0, jnp.int8(0), state.fireworks.sum(dtype=jnp.int8))

    def end_code(self, state: HanabiState) -> Int8[Array, ""]:
        """`RUNNING`, or how the game ended: `OUT_OF_LIVES`, `OUT_OF_CARDS` or `COMPLETE`; the numbers are HLE's."""
        complete = (state.fireworks == self.ranks).all()
        late = jnp.where(state.turns_left == 0, jnp.int8(OUT_OF_CARDS), jnp.int8(RUNNING))
        return jnp.where(state.lives == 0, jnp.int8(OUT_OF_LIVES), jnp.where(complete, jnp.int8(COMPLETE), late))

    def measure(self, state: HanabiState) -> dict[str, Array]:
        """Whether the lives were lost, whether the game was perfect, and the score without the loss of lives."""
        code, before = self.end_code(state), state.fireworks.sum(dtype=jnp.int8)
        return {"bombed": code == OUT_OF_LIVES, "perfect": code == COMPLETE, "score_before_bomb": before}

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

    def _moved(self, word: UInt32[Array, ""], state: HanabiState, move: Move) -> HanabiState:
        """What a legal move makes of the game, before it is known whether that ends it."""
        is_play, is_discard = move.kind == PLAY, move.kind == DISCARD
        draws = is_play | is_discard
        own, slots = one_hot(state.player, self.players)[:, None], jnp.arange(self.hand_size, dtype=jnp.int8)[None]
        card = jnp.where(own & (slots == move.slot), state.hands + jnp.int8(1), 0).sum(dtype=jnp.int8) - jnp.int8(1)
        color, rank = colors_and_ranks(self, card)
        stack = one_hot(color, self.colors)
        scored = is_play & (jnp.where(stack, state.fireworks, 0).sum(dtype=jnp.int8) == rank)
        completed = scored & (rank == self.ranks - 1)
        gained = is_discard | (completed & (state.information < self.information))
        lost, left = is_play & ~scored, state.deck.sum(dtype=jnp.int8)
        drawn = jnp.where(draws, self._drawn(word, state, left), NOTHING)
        shown = self._hinted(state, move)
        shift = own & draws & (slots >= move.slot)

        def shifted(values: Array, last: Array) -> Array:
            """Where a card left, later ones move down and the new one comes last."""
            end = jnp.broadcast_to(last.astype(values.dtype), (self.players, 1))
            return jnp.where(shift, jnp.concatenate([values[:, 1:], end], axis=1), values)

        there, no = drawn >= 0, jnp.bool_(False)
        emptied = jnp.where(draws & (left == 1), jnp.int8(self.players), NOTHING)
        following = state.player + jnp.int8(1)
        new = HanabiState(
            deck=state.deck - one_hot(drawn, self.num_cards).astype(jnp.int8),
            order=state.order,
            dealt=state.dealt + there.astype(jnp.int8),
            hands=shifted(state.hands, drawn),
            color_mask=shifted(shown.color_mask, jnp.where(there, 2**self.colors - 1, 0)),
            rank_mask=shifted(shown.rank_mask, jnp.where(there, 2**self.ranks - 1, 0)),
            color_hinted=shifted(shown.color_hinted, no),
            rank_hinted=shifted(shown.rank_hinted, no),
            fireworks=state.fireworks + (stack & scored).astype(jnp.int8),
            discards=state.discards + (one_hot(card, self.num_cards) & ~scored).astype(jnp.int8),
            information=state.information + gained.astype(jnp.int8) - (~draws).astype(jnp.int8),
            lives=state.lives - lost.astype(jnp.int8),
            player=jnp.where(following == self.players, jnp.int8(0), following),
            turns_left=jnp.where(state.turns_left < 0, emptied, state.turns_left - jnp.int8(1)),
            last=LastMove(
                state.player,
                move.kind,
                move.target,
                move.color,
                move.rank,
                shown.touched,
                move.slot,
                card,
                scored,
                gained,
            ),
            terminated=no,
            truncated=no,
        )
        return new._replace(terminated=self.end_code(new) != RUNNING)

    def _drawn(self, word: UInt32[Array, ""], state: HanabiState, left: Int8[Array, ""]) -> Int8[Array, ""]:
        """The next card of the deck; `NOTHING` where it is empty."""
        place = below(word, left)
        drawn = (jnp.cumsum(state.deck, dtype=jnp.int8) <= place).sum(dtype=jnp.int8)
        here = jnp.arange(self.deck_size, dtype=jnp.int8) == state.dealt
        fixed = jnp.where(here, state.order, 0).sum(dtype=jnp.int8)
        return jnp.where(left == 0, NOTHING, jnp.where(fixed >= 0, fixed, drawn))

    def _hinted(self, state: HanabiState, move: Move) -> Shown:
        """What is known of all cards after a hint, which is nothing new after any other move."""
        target = state.player + move.target
        target = jnp.where(target >= self.players, target - jnp.int8(self.players), target)
        told = one_hot(target, self.players)[:, None]
        colors, ranks = colors_and_ranks(self, state.hands)
        by_color, by_rank = told & (move.kind == COLOR_HINT), told & (move.kind == RANK_HINT)
        of_color, of_rank = by_color & (colors == move.color), by_rank & (ranks == move.rank)
        slots = jnp.left_shift(jnp.uint8(1), jnp.arange(self.hand_size, dtype=jnp.uint8))[None]
        return Shown(
            color_mask=_narrowed(state.color_mask, by_color, of_color, move.color),
            rank_mask=_narrowed(state.rank_mask, by_rank, of_rank, move.rank),
            color_hinted=state.color_hinted | of_color,
            rank_hinted=state.rank_hinted | of_rank,
            touched=jnp.where(of_color | of_rank, slots, 0).sum(dtype=jnp.uint8),
        )


def _narrowed(
    mask: UInt8[Array, "P h"], told: Bool[Array, "P 1"], fits: Bool[Array, "P h"], value: Int8[Array, ""]
) -> UInt8[Array, "P h"]:
    """Values that remain possible where a hint told which cards have this one."""
    bit = jnp.left_shift(jnp.uint8(1), jnp.maximum(value, 0).astype(jnp.uint8))
    return jnp.where(told, mask & jnp.where(fits, bit, ~bit), mask)


def _cards(variant: Variant) -> np.ndarray:
    """All cards of the deck, in order, `[D]`."""
    return np.repeat(np.arange(variant.num_cards, dtype=np.int8), variant.full_deck)


def _enough(count: int) -> int:
    """The next power of two: so many random words compile in a third of the time."""
    return 1 << (count - 1).bit_length()


def _distinct(words: UInt32[Array, " n"], size: int) -> Int8[Array, " n"]:
    """Different numbers in [0, size), all sequences equally likely: draws without replacement.

    Draw i picks among what the earlier ones left; read backwards, each moves those at or above it one up.
    """
    picks = [below(words[i], jnp.int8(size - i)) for i in range(len(words))]
    for i in reversed(range(len(picks))):
        for j in range(i + 1, len(picks)):
            picks[j] = picks[j] + (picks[j] >= picks[i]).astype(jnp.int8)
    return jnp.stack(picks)


def hanabi() -> HanabiGame:
    """Hanabi for two players with five colors and five ranks."""
    return HanabiGame()


def hanabi_small() -> HanabiGame:
    """Two colors, hands of two cards, three information tokens and one life."""
    return HanabiGame(colors=2, hand=2, information=3, lives=1)


def hanabi_very_small() -> HanabiGame:
    """One color, hands of two cards, three information tokens and one life."""
    return HanabiGame(colors=1, hand=2, information=3, lives=1)
