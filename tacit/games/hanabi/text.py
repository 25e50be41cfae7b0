"""A game of Hanabi as text: what lies on the table, what everyone holds, and what is known of each card."""

import jax
import numpy as np

from tacit.games.hanabi.cards import card_name
from tacit.games.hanabi.variant import (
    COLORS,
    COMPLETE,
    DISCARD,
    OUT_OF_CARDS,
    OUT_OF_LIVES,
    PLAY,
    HanabiState,
    Variant,
)

ENDS = {OUT_OF_LIVES: "out of lives", OUT_OF_CARDS: "out of cards", COMPLETE: "all stacks are complete"}


def render(variant: Variant, state: HanabiState, viewer: int | None = None) -> str:
    """The table as lines of text; with a viewer, its own cards are `??`.

    Beside each card stands what the hints leave open: colors and ranks that it may have, with a dot for each that it
    cannot have, or the color or rank alone where a hint has named it.

    >>> import jax, jax.numpy as jnp
    >>> from tacit.games import hanabi
    >>> game = hanabi.hanabi_small()
    >>> state = game.reset(jax.random.key(0), jnp.array([5, 0, 1, 4] + 16 * [-1], jnp.int8))
    >>> state, _ = game.step(jax.random.key(0), state, jnp.array([7, 11]))  # ranks 1: hint to the other
    >>> print(render(game, state, viewer=0))
    stacks R0 Y0   score 0   information 2 of 3   lives 1 of 1   deck 16
    discards none
    player 0    ??  RY 12345   ??  RY 12345
    player 1 *  R2  RY 2       R5  RY 1.345
    player 0 hints rank 2 to player 1: slot 0
    """
    state = jax.tree.map(np.asarray, state)
    lines = [_board(variant, state), _discards(variant, state)]
    for player in range(variant.players):
        turn = "*" if player == state.player and not state.terminated else " "
        cards = [_card(variant, state, (player, slot), player == viewer) for slot in range(variant.hand_size)]
        lines.append(f"player {player} {turn}  {'   '.join(cards)}")
    lines += [*_last_move(variant, state), *_end(variant, state)]
    return "\n".join(line.rstrip() for line in lines)


def _board(variant: Variant, state: HanabiState) -> str:
    stacks = " ".join(f"{color}{height}" for color, height in zip(COLORS, state.fireworks.tolist(), strict=False))
    parts = [f"stacks {stacks}", f"score {0 if state.lives == 0 else state.fireworks.sum()}"]
    parts += [f"information {state.information} of {variant.information}", f"lives {state.lives} of {variant.lives}"]
    parts += [f"deck {state.deck.sum()}"]
    if state.turns_left >= 0 and not state.terminated:
        parts += [f"moves left {state.turns_left}"]
    return "   ".join(parts)


def _discards(variant: Variant, state: HanabiState) -> str:
    gone = np.repeat(np.arange(variant.num_cards), state.discards).tolist()
    return "discards " + (" ".join(card_name(variant, card) for card in gone) or "none")


def _card(variant: Variant, state: HanabiState, at: tuple[int, int], covered: bool) -> str:
    card, width = int(state.hands[at]), variant.colors + variant.ranks + 5
    if card < 0:
        return "--".ljust(width)
    colors = _open(COLORS[: variant.colors], int(state.color_mask[at]), bool(state.color_hinted[at]))
    ranks = _open("12345"[: variant.ranks], int(state.rank_mask[at]), bool(state.rank_hinted[at]))
    return f"{'??' if covered else card_name(variant, card)}  {colors} {ranks}".ljust(width)


def _open(names: str, mask: int, named: bool) -> str:
    """The values that hints leave open: the one that was named, or all with dots for those that are not."""
    shown = [name if mask >> place & 1 else "." for place, name in enumerate(names)]
    return "".join(shown).strip(".") if named else "".join(shown)


def _last_move(variant: Variant, state: HanabiState) -> list[str]:
    last = state.last
    if last.actor < 0:
        return []
    if last.kind in (PLAY, DISCARD):
        done = f"{'plays' if last.kind == PLAY else 'discards'} slot {last.slot}, {card_name(variant, int(last.card))}"
        how = ("which fits" if last.scored else "which does not fit and costs a life") if last.kind == PLAY else ""
        won = "an information token comes back" if last.gained else ""
        return [f"player {last.actor} " + ", ".join(part for part in (done, how, won) if part)]
    value = f"color {COLORS[int(last.color)]}" if last.color >= 0 else f"rank {last.rank + 1}"
    target = (last.actor + last.target) % variant.players
    slots = [str(slot) for slot in range(variant.hand_size) if last.touched >> slot & 1]
    told = f"slot{'s' if len(slots) > 1 else ''} {', '.join(slots)}"
    return [f"player {last.actor} hints {value} to player {target}: {told}"]


def _end(variant: Variant, state: HanabiState) -> list[str]:
    if not state.terminated:
        return []
    total = state.fireworks.sum()
    if state.lives == 0:
        return [f"over, {ENDS[OUT_OF_LIVES]}: score 0 ({total} before)"]
    how = COMPLETE if total == variant.num_cards else OUT_OF_CARDS
    return [f"over, {ENDS[how]}: score {total}"]
