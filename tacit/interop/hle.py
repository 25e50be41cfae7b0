"""The reference engine of Hanabi, hanabi-learning-environment (HLE): to compare ours with, and to be scored on.

HLE deals at random and offers no way to name the next card. Its chance moves can be used again, though: one DEAL move
of every card is taken from the histories of a few random deals and applied whenever it is chance's turn, so a game is
played on a given deck. It is dealt on after the end, too: the last move's card is replaced before anybody looks, as
HLE's own Gym wrapper does, or the last observation would differ.

The library (google-deepmind/hanabi-learning-environment, Apache-2.0, archived) is not a requirement; see `library`.
This adapter was written against version 0.0.4. HLE ends the process when it is asked for what its rules forbid, so
decks and moves are checked here first.
"""

import functools
import importlib.metadata
import importlib.util
import warnings
import weakref
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from tacit.errors import InputError
from tacit.evaluation.cross_play import greedy
from tacit.games.hanabi import HanabiGame
from tacit.games.hanabi.observation import sections
from tacit.loops import joint
from tacit.types import Params, Policy


def available() -> bool:
    """Whether the library is installed."""
    return importlib.util.find_spec("hanabi_learning_environment") is not None


def library() -> Any:
    """The library's module `pyhanabi`.

    Raises:
        InputError: it is not installed, or was built for another system; the line says how to install it.
    """
    how = "install it (Linux and macOS, needs a C++ compiler) with: CMAKE_POLICY_VERSION_MINIMUM=3.5 pip install "
    if not available():
        raise InputError(f"the reference engine of Hanabi is not installed; {how}hanabi-learning-environment")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # it leaves its header file open
        from hanabi_learning_environment import pyhanabi  # pyright: ignore[reportMissingImports]

    if not pyhanabi.lib_loaded():
        how += "--force-reinstall "
        raise InputError(
            f"the reference engine of Hanabi was not built for this system; {how}hanabi-learning-environment"
        )
    return pyhanabi


def version() -> str:
    """Name and version of the library, which must be installed."""
    name = "hanabi-learning-environment"
    return f"{name} {importlib.metadata.version(name)}"


class Position(NamedTuple):
    """What HLE shows between two moves.

    Attributes:
        obs: `[P, length]` what each player sees in the canonical encoding, 0 or 1.
        legal: `[num_moves]` what the player on turn may do; nothing after the end.
        player: whose turn it is.
        hands: `[P, h]` cards (color * ranks + rank) from the oldest on, -1 where there is none.
        fireworks: `[c]` cards on each stack.
        discards: `[b]` how many of each card were discarded.
        information, lives: tokens left.
        score: cards on the stacks, or 0 once the lives are lost.
        end: 0 running, 1 out of lives, 2 out of cards, 3 complete.
    """

    obs: np.ndarray
    legal: np.ndarray
    player: int
    hands: np.ndarray
    fireworks: np.ndarray
    discards: np.ndarray
    information: int
    lives: int
    score: int
    end: int


class Engine:
    """HLE for one variant.

    Raises:
        InputError: the library is not installed.
    """

    def __init__(self, game: HanabiGame) -> None:
        self.game, self.api = game, library()
        rules = {
            "players": game.players,
            "colors": game.colors,
            "ranks": game.ranks,
            "hand_size": game.hand_size,
            "max_information_tokens": game.information,
            "max_life_tokens": game.lives,
            "observation_type": int(self.api.AgentObservationType.CARD_KNOWLEDGE),
        }
        self.rules = self.api.HanabiGame(rules)
        self.encoder = self.api.ObservationEncoder(self.rules)
        self.moves = [self.rules.get_move(i) for i in range(self.rules.max_moves())]
        self.deals = self._deals()
        weakref.finalize(self, vars(self).clear)  # at exit, HLE's objects must go before its module does

    def start(self, deck: Sequence[int] | np.ndarray | jax.Array) -> "Table":
        """A new game on a deck: `[D]` cards in dealing order.

        Raises:
            InputError: these are not the cards of this variant.
        """
        counts = self.game.full_deck.tolist()
        cards = np.asarray(deck).tolist()
        if any(cards.count(card) != count for card, count in enumerate(counts)) or len(cards) != sum(counts):
            raise InputError(
                f"a deck of this variant has {sum(counts)} cards: {counts} of each, in order of their numbers"
            )
        return Table(self, cards)

    def _deals(self) -> list[Any]:
        """One chance move for every card."""
        found: dict[int, Any] = {}
        while len(found) < self.game.num_cards:
            state = self.rules.new_initial_state()
            while state.cur_player() == self.api.CHANCE_PLAYER_ID:
                state.deal_random_card()
            for item in state.move_history():
                move = item.move()
                found[move.color() * self.game.ranks + move.rank()] = move
        return [found[card] for card in range(self.game.num_cards)]


class Table:
    """A game of HLE on a given deck; made by `Engine.start`."""

    def __init__(self, engine: Engine, deck: list[int]) -> None:
        self.engine, self.game, self.api = engine, engine.game, engine.api
        self._left = deck[::-1]
        self._state = engine.rules.new_initial_state()
        weakref.finalize(self, vars(self).clear)
        self._deal()

    def _deal(self) -> None:
        while self._state.cur_player() == self.api.CHANCE_PLAYER_ID:
            self._state.apply_move(self.engine.deals[self._left.pop()])

    @property
    def player(self) -> int:
        """Whose turn it is."""
        return self._state.cur_player()

    @property
    def ended(self) -> bool:
        """Whether the game is over."""
        return self._state.is_terminal()

    def play(self, move: int) -> int:
        """Makes a move of the player on turn and deals its new card; returns the change of the score.

        Raises:
            InputError: the game is over, or the move is illegal.
        """
        legal = self.legal()
        if not (0 <= move < len(legal) and legal[move]):
            why = "the game is over" if self.ended else f"legal are {', '.join(map(str, np.flatnonzero(legal)))}"
            raise InputError(f"move {move} cannot be made: {why}")
        before = self._state.score()
        self._state.apply_move(self.engine.moves[move])
        self._deal()
        return self._state.score() - before

    def legal(self) -> np.ndarray:
        """What the player on turn may do, `[num_moves]`; nothing after the end."""
        if self.ended:
            return np.zeros(len(self.engine.moves), bool)
        return np.array([self._state.move_is_legal(move) for move in self.engine.moves], bool)

    def position(self) -> Position:
        """Everything that can be compared."""
        state, game = self._state, self.game
        hands = np.full((game.players, game.hand_size), -1, np.int8)
        for hand, cards in zip(hands, state.player_hands(), strict=True):
            hand[: len(cards)] = [card.color() * game.ranks + card.rank() for card in cards]
        discarded = [card.color() * game.ranks + card.rank() for card in state.discard_pile()]
        return Position(
            obs=self.observations(),
            legal=self.legal(),
            player=self.player,
            hands=hands,
            fireworks=np.array(state.fireworks(), np.int8),
            discards=np.bincount(np.array(discarded, int), minlength=game.num_cards).astype(np.int8),
            information=state.information_tokens(),
            lives=state.life_tokens(),
            score=state.score(),
            end=int(state.end_of_game_status()),
        )

    def observations(self) -> np.ndarray:
        """What each player sees in the canonical encoding, `[P, length]`, 0 or 1."""
        return np.stack([self._encoded(player) for player in range(self.game.players)])

    def _encoded(self, player: int) -> np.ndarray:
        """One player's encoding: digits and commas, read as bytes (six times as fast as the library's own reader)."""
        lib, ffi = self.api.lib, self.api.ffi
        seen = self._state.observation(player)
        text = lib.EncodeObservation(self.engine.encoder._encoder, seen.observation())
        digits = np.frombuffer(ffi.string(text), np.uint8)[::2] - ord("0")
        lib.DeleteString(text)
        return digits


def v0_belief(game: HanabiGame, obs: np.ndarray) -> np.ndarray:
    """The V0-belief view, made from the canonical one: `[..., length]`, float32.

    What the hints leave open is weighted by how many copies of each card are neither discarded nor on a stack:

        V0[slot, card] = plausible[slot, card] remaining[card] / sum over cards of the same

    Source: the V0 belief of the fork of HLE in facebookresearch/hanabi_SAD.
    """
    parts, lead = sections(game), obs.shape[:-1]
    discarded = np.add.reduceat(obs[..., parts.discards], np.cumsum(game.full_deck) - game.full_deck, -1, np.int64)
    tops = obs[..., parts.fireworks].reshape(*lead, game.colors, game.ranks)
    stacked = np.flip(np.flip(tops, -1).cumsum(-1), -1).reshape(discarded.shape)
    knowledge = obs[..., parts.knowledge].reshape(*lead, -1, game.num_cards + game.colors + game.ranks)
    plausible, hinted = np.split(knowledge, [game.num_cards], -1)
    weight = plausible * (game.full_deck - discarded - stacked)[..., None, :]
    belief = weight / np.maximum(weight.sum(-1, keepdims=True), 1)  # a slot without a card stays 0
    seen = obs.astype(np.float32)
    seen[..., parts.knowledge] = np.concatenate([belief, hinted], -1).reshape(*lead, -1)
    return seen


class Scores(NamedTuple):
    """How games ended, `[N]` each.

    Attributes:
        score: cards on the stacks, or 0 where the lives were lost.
        stacks: cards on the stacks, whatever happened to the lives.
        end: as in `Position`.
        moves: how many were made.
    """

    score: np.ndarray
    stacks: np.ndarray
    end: np.ndarray
    moves: np.ndarray


def score_on_hle(
    policies: Sequence[Policy],
    params: Sequence[Params],
    game: HanabiGame,
    decks: Sequence[Any] | np.ndarray | jax.Array,
) -> Scores:
    """Lets policies play on the reference engine itself, greedily: one game for each deck, all side by side.

    Args:
        policies, params: one for each seat.
        game: the variant, with the view that the policies were made for.
        decks: `[N, D]` cards in dealing order.

    Raises:
        InputError: the library is not installed, a seat has no policy, or a deck is not one of this variant.
        Misfit: a policy does not choose one of several actions.
    """
    engine, players, chosen = Engine(game), game.players, tuple(map(greedy, policies))
    if not len(policies) == len(params) == players:
        raise InputError(f"{players} seats need {players} policies with their parameters, not {len(policies)}")
    if not len(decks):
        raise InputError("there is nothing to score without decks")
    tables = [engine.start(deck) for deck in decks]
    carry = tuple(policy.init_carry() for policy in chosen)
    carry = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (len(tables), *jnp.shape(leaf))), carry)
    obs = np.stack([table.observations() for table in tables])
    legal = np.zeros((len(tables), players, game.num_moves + 1), bool)
    moves = np.zeros(len(tables), int)
    while running := [i for i, table in enumerate(tables) if not table.ended]:
        for i in running:
            obs[i], legal[i] = tables[i].observations(), False
            legal[i, :, -1] = np.arange(players) != tables[i].player
            legal[i, tables[i].player, :-1] = tables[i].legal()
        seen = v0_belief(game, obs) if game.view == "v0-belief" else obs
        carry, actions = _act(chosen, tuple(params), carry, seen, legal, moves == 0)
        for i in running:
            tables[i].play(int(actions[i, tables[i].player]))
            moves[i] += 1
    last = [table.position() for table in tables]
    return Scores(
        score=np.array([position.score for position in last]),
        stacks=np.array([position.fireworks.sum() for position in last]),
        end=np.array([position.end for position in last]),
        moves=moves,
    )


@functools.partial(jax.jit, static_argnums=0)
def _act(policies: tuple[Policy, ...], params: Any, carry: Any, obs: Any, legal: Any, fresh: Any) -> Any:
    """One act of all players of all games; the carries afterwards, and the actions `[N, P]`."""
    everyone, keys = joint(policies), jax.random.split(jax.random.key(0), len(policies))  # nothing is drawn

    def one(carry: Any, obs: Any, legal: Any, fresh: Any) -> Any:
        return everyone(keys, params, carry, obs, legal, fresh)[:2]

    return jax.vmap(one)(carry, obs, legal, fresh)
