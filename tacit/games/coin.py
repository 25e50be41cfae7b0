"""The coin game in its published rule sets: two players on a small torus take coins of their own color, or the other's.

Red and blue move at once. Whoever reaches a coin takes it and is paid; if it had the other's color, the other loses
more than that. Each player does best by taking everything, and both do best by leaving the other's coins alone.

Sources: LOLA (Lerer and Peysakhovich 2017 invented the game; Foerster et al. 2018; rules as in alshedivat/lola,
lola/envs/coin_game.py), POLA (Silent-Zebra/POLA, jax_files/coin_game_jax.py), M-FOS
(luchris429/model-free-opponent-shaping, src/coin_game/coin_game_envs.py), Pax and JaxMARL (ucl-dark/pax,
pax/envs/coin_game.py; FLAIROx/JaxMARL, jaxmarl/environments/coin_game). The tests replay recordings of these engines.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, UInt32

from tacit.games.base import Game, settle
from tacit.settings import setting
from tacit.types import Discrete, Level, Outcome, Real, Spec

RED, BLUE = 0, 1
ACTIONS = ("right", "left", "down", "up", "stay")
TOOK_OWN, TOOK_OTHERS, KINDS_OF_LAST = 1, 2, 3
MOVES = ((0, 1), (0, -1), (1, 0), (-1, 0), (0, 0))  # rows and columns


class CoinState(NamedTuple):
    """A board. Cells are numbered row by row; a coin that is not there lies on cell `size * size`."""

    player: Int[Array, "2"]  # cells of red and blue
    coin: Int[Array, "2"]  # cells of the red and the blue coin
    last: Int[Array, "2"]  # what each player took last on this board: nothing, its own coin, or (too) the other's
    time: Int[Array, ""]
    terminated: Bool[Array, ""]
    truncated: Bool[Array, ""]


class CoinGame(Game):
    """A window of `length * episodes` steps on a game without end: it is cut (`truncated`).

    After every `length` steps the board is drawn anew, if there are several such inner episodes. The defaults are
    POLA's rules; `lola`, `pola`, `mfos` and `pax` make the published sets.
    """

    coins: int = setting(1, "coins on the board: one, or one of each color", unit="coins", choices=(1, 2))
    color: str = setting(
        "alternating", "color of the next coin, where there is one at a time", choices=("alternating", "random")
    )
    actions: int = setting(4, "moves of a player: 4 directions, or staying too", unit="actions", choices=(4, 5))
    apart: bool = setting(False, "the players begin on different cells")
    free: bool = setting(True, "coins are laid on cells without a player; otherwise on any cell")
    tie: str = setting("both", "who takes a coin that both reach at once", choices=("both", "red"))
    reward: float = setting(1.0, "what taking a coin pays", source="LOLA code", low=0.0)
    penalty: float = setting(2.0, "what a player loses when the other takes its coin", source="LOLA code", low=0.0)
    discount: float = setting(
        0.96, "weight of the next step against this one", unit="per step", source="LOLA section 4", low=0.0, below=1.0
    )
    length: int = setting(50, "steps on one board", unit="steps", source="POLA README", low=1, high=10**6)
    episodes: int = setting(1, "boards of an episode, one after another", unit="boards", low=1, high=10**5)
    last_pays: bool = setting(True, "the step that ends a board's play pays like any other; otherwise nothing")
    view: str = setting(
        "shared",
        "what the players see: the same, itself and its coin first, or that from the center of the board",
        choices=("shared", "own", "centered"),
    )
    recall: bool = setting(False, "planes are shown in one of three places, by what the other player took last")
    layout: str = setting(
        "flat",
        "form of an observation: a vector of planes, planes, planes last, or a vector of those",
        choices=("flat", "planes", "channels", "flat-channels"),
    )
    size: int = setting(3, "rows and columns of the torus", unit="cells", low=2, high=32)

    @property
    def cells(self) -> int:
        """Cells of the board; also where a coin lies that is not on it."""
        return self.size * self.size

    @property
    def spec(self) -> Spec:
        lowest, highest = (-float("inf"), float("inf"))
        if isinstance(self.reward, float) and isinstance(self.penalty, float):  # unknown while they are traced
            lowest, highest = -self.penalty, self.coins * self.reward
        side = (self.size, self.size)
        planes = 4 * KINDS_OF_LAST if self.recall else 4
        shapes = {"planes": (planes, *side), "channels": (*side, planes)}
        seen = Real(shapes.get(self.layout, (planes * self.cells,)), 0.0, 1.0)
        return Spec(2, seen, Discrete(self.actions), self.length * self.episodes, (lowest, highest))

    def reset(self, key: PRNGKeyArray, level: Level | None = None) -> CoinState:
        del level
        player, coin = self._board(jax.random.bits(key, (4,)))
        return CoinState(player, coin, jnp.zeros(2, jnp.int32), jnp.int32(0), jnp.bool_(False), jnp.bool_(False))

    def observe(self, state: CoinState) -> Float[Array, "2 ..."]:
        mine = jnp.concatenate([state.player, state.coin])
        other = mine if self.view == "shared" else jnp.concatenate([state.player[::-1], state.coin[::-1]])
        seen = jnp.stack([mine, other])
        if self.view == "centered":
            shift = self.size // 2 - jnp.stack(self._row_and_column(seen[:, :1]))
            seen = jnp.where(seen == self.cells, seen, self._shifted(seen, shift))
        planes = jax.nn.one_hot(seen, self.cells)
        if self.recall:
            place = jax.nn.one_hot(state.last[::-1], KINDS_OF_LAST)
            planes = (place[:, :, None, None] * planes[:, None]).reshape(2, -1, self.cells)
        if self.layout in ("channels", "flat-channels"):
            planes = jnp.swapaxes(planes, 1, 2)
        return planes.reshape(2, *self.spec.observation.shape)

    def step(self, key: PRNGKeyArray, state: CoinState, action: Int[Array, "2"]) -> tuple[CoinState, Outcome]:
        player, taken = self.moved(state, action)
        stolen = jnp.stack([taken[BLUE, RED], taken[RED, BLUE]])
        reward = self.reward * taken.sum(1).astype(float) - self.penalty * stolen.astype(float)
        own = jnp.stack([taken[RED, RED], taken[BLUE, BLUE]])
        last = jnp.where(stolen[::-1], TOOK_OTHERS, jnp.where(own, TOOK_OWN, state.last))
        time = state.time + 1
        words = jax.random.bits(key, (4 if self.episodes > 1 else 2,))
        coin = self._laid_anew(words[:2], state.coin, player, taken.any(0))
        if self.episodes > 1:
            over = jax.lax.rem(time, jnp.int32(self.length)) == 0
            again = self._board(words)  # nothing else is left then of what these words made
            player, coin = jnp.where(over, again[0], player), jnp.where(over, again[1], coin)
            last = jnp.where(over, 0, last)
        new = CoinState(player, coin, last, time, jnp.bool_(False), time >= self.spec.max_length)
        return settle(state, new, reward)

    def moved(self, state: CoinState, action: Int[Array, "2"]) -> tuple[Int[Array, "2"], Bool[Array, "2 2"]]:
        """The players' cells after their moves, and which coins they take there, `[player, color]`.

        Nothing is taken in a step that pays nothing.
        """
        player = self._shifted(state.player, jnp.array(MOVES).T[:, action])
        taken = player[:, None] == state.coin[None]
        if self.tie == "red":
            taken = taken.at[BLUE].set(taken[BLUE] & ~taken[RED])
        if not self.last_pays:
            taken = taken & ((state.time + 1) % self.length != 0)
        return player, taken

    def _row_and_column(self, cell: Int[Array, "..."]) -> tuple[Int[Array, "..."], Int[Array, "..."]]:
        return jax.lax.div(cell, jnp.int32(self.size)), jax.lax.rem(cell, jnp.int32(self.size))

    def _shifted(self, cell: Int[Array, "..."], by: Int[Array, "2 ..."]) -> Int[Array, "..."]:
        """Cells after steps of -size to size rows and columns; `lax.rem` needs no care for signs, and is faster."""
        row, column = self._row_and_column(cell)
        row = jax.lax.rem(row + by[0] + self.size, jnp.int32(self.size))
        return row * self.size + jax.lax.rem(column + by[1] + self.size, jnp.int32(self.size))

    def _board(self, words: UInt32[Array, "4"]) -> tuple[Int[Array, "2"], Int[Array, "2"]]:
        """Cells of players and coins; the first two words are for the coins."""
        red = below(words[2], self.cells)
        if self.apart:
            blue = below(words[3], self.cells - 1)
            blue = blue + (blue >= red).astype(jnp.int32)
        else:
            blue = below(words[3], self.cells)
        player = jnp.stack([red, blue])
        if self.coins == 2:
            return player, self._laid(words[:2], player)
        return player, self._one(words[:2], player, jnp.arange(2) == below(words[1], 2))

    def _laid_anew(
        self, words: UInt32[Array, "2"], coin: Int[Array, "2"], player: Int[Array, "2"], taken: Bool[Array, "2"]
    ) -> Int[Array, "2"]:
        """The coins after those that were taken are replaced."""
        if self.coins == 2:
            return jnp.where(taken, self._laid(words, player), coin)
        other = coin == self.cells  # the color that was not on the board
        color = jnp.arange(2) == below(words[1], 2) if self.color == "random" else other
        return jnp.where(taken.any(), self._one(words, player, color), coin)

    def _one(self, words: UInt32[Array, "2"], player: Int[Array, "2"], color: Bool[Array, "2"]) -> Int[Array, "2"]:
        return jnp.where(color, self._laid(words[:1], player), self.cells)

    def _laid(self, words: UInt32[Array, " n"], player: Int[Array, "2"]) -> Int[Array, " n"]:
        """A cell for each coin: the k-th of those allowed, k uniform."""
        if not self.free:
            return below(words, self.cells)
        first, last = jnp.min(player), jnp.max(player)
        two = first != last
        cell = jnp.where(two, below(words, self.cells - 2), below(words, self.cells - 1))
        cell = cell + (cell >= first).astype(jnp.int32)
        return cell + ((cell >= last) & two).astype(jnp.int32)


def below(words: UInt32[Array, "..."], count: int) -> Int[Array, "..."]:
    """Whole numbers in [0, count) from 32 random bits each; their chances differ by less than one in 2^32."""
    return jax.lax.rem(words, jnp.uint32(count)).astype(jnp.int32)


def pola() -> CoinGame:
    """One coin at a time, never under a player; both take a tie."""
    return CoinGame()


def lola() -> CoinGame:
    """As `pola`, but the players begin apart, red takes a tie, and an episode has 150 steps."""
    return CoinGame(apart=True, tie="red", length=150)


def mfos() -> CoinGame:
    """A coin of each color, laid anywhere; 16 boards of 16 steps, the last of which only draws the next board."""
    return CoinGame(coins=2, free=False, length=16, episodes=16, last_pays=False)


def pax() -> CoinGame:
    """As `mfos`, but staying is an action, each player sees itself first, and there are 10 boards of 10 steps."""
    return CoinGame(
        coins=2,
        actions=5,
        free=False,
        length=10,
        episodes=10,
        last_pays=False,
        view="own",
        layout="flat-channels",
    )
