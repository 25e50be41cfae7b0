"""Who takes whose coins in the coin game, and an episode of it as text.

The share of own coins among all that are taken is the measure of cooperation of the LOLA paper (figure 5): 1/2 where
color is not looked at, 1 where nobody takes the other's.
"""

import dataclasses
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Bool, Float

from tacit.errors import Misfit
from tacit.evaluation.play import play
from tacit.games.coin import ACTIONS, BLUE, RED, CoinGame
from tacit.types import Step, Trained

NAMES = ("red", "blue")


class Takings(NamedTuple):
    """What an episode brought, means over games; leaves may have more axes in front, `[S, ...]` over seeds.

    Attributes:
        taken: coins taken, `[player, color]`.
        reward: of each player, undiscounted.
    """

    taken: Float[Any, "... 2 2"]
    reward: Float[Any, "... 2"]

    @property
    def own_share(self) -> Any:
        """P(own | taken), over both players: the share of own coins among all that were taken; NaN where none was."""
        own = self.taken[..., RED, RED] + self.taken[..., BLUE, BLUE]
        return own / self.taken.sum((-1, -2))

    @property
    def own_share_of_each(self) -> Any:
        """The same for each player, `[..., 2]`."""
        own = self.taken[..., (RED, BLUE), (RED, BLUE)]
        return own / self.taken.sum(-1)


def taken_in(game: CoinGame, played: Step) -> Bool[Array, "T B 2 2"]:
    """Which coins were taken in every step, `[T, B, player, color]`. Nothing is in steps that pay nothing."""
    taken = jax.vmap(jax.vmap(lambda state, action: game.moved(state, action)[1]))(played.state, played.action)
    over = played.state.terminated | played.state.truncated
    return taken & ~over[:, :, None, None]


def takings_in(game: CoinGame, played: Step) -> Takings:
    """What the steps of whole episodes, leaves `[T, B, ...]`, brought on average."""
    taken = taken_in(game, played).sum(0).astype(float)
    return Takings(taken.mean(0), played.reward.sum(0).mean(0))


@dataclasses.dataclass(frozen=True)
class _Counted:
    """`takings_in` of a game, as a function that equals itself when it is made again: programs are cached by it."""

    game: CoinGame

    def __call__(self, played: Step) -> Takings:
        return takings_in(self.game, played)


def takings(run: Trained, num_games: int = 256, seed: int = 1) -> Takings:
    """What the learned policies of every seed take in whole episodes, leaves `[S, ...]`.

    Raises:
        Misfit: the run was not on a coin game.
    """
    if not isinstance(run.game, CoinGame):
        raise Misfit(f"coins are counted in a coin game, not in {type(run.game).__name__}")
    return play(run, _Counted(run.game), num_games, seed)


def sentence(found: Takings) -> str:
    """Takings of several seeds in words: mean over seeds of what each player takes and gains in an episode."""
    taken, reward, share = (np.mean(leaf, 0) for leaf in (found.taken, found.reward, found.own_share_of_each))
    each = [
        f"{NAMES[i]} takes {taken[i, i]:.2f} of its own coins and {taken[i, 1 - i]:.2f} of the other's "
        f"(own share {share[i]:.3f}), reward {reward[i]:+.2f}"
        for i in (RED, BLUE)
    ]
    return f"In an episode, mean over {len(found.reward)} seeds: " + "; ".join(each) + "."


class Film(NamedTuple):
    """One game, step by step, as plain arrays.

    Attributes:
        size: of the board.
        player, coin: `[T, 2]` cells of red and blue, and of their coins (`size * size` where there is none).
        action, reward: `[T, 2]` what was chosen on each board, and what it brought.
        taken: `[T, player, color]`.
    """

    size: int
    player: np.ndarray
    coin: np.ndarray
    action: np.ndarray
    reward: np.ndarray
    taken: np.ndarray


def film(game: CoinGame, played: Step, which: int = 0) -> Film:
    """One of the games played, leaves `[T, B, ...]`."""
    taken = np.asarray(jax.jit(taken_in)(game, played))
    leaves = (played.state.player, played.state.coin, played.action, played.reward, taken)
    return Film(game.size, *(np.asarray(leaf)[:, which] for leaf in leaves))


def marks(shown: Film, time: int, cell: int) -> str:
    """What lies on a cell: R and B are the players, r and b their coins."""
    here = [*(shown.player[time] == cell), *(shown.coin[time] == cell)]
    return "".join(mark for mark, lies in zip("RBrb", here, strict=True) if lies)


def as_text(shown: Film) -> str:
    """A game as text: every board, and what was done on it."""
    blocks = []
    for time in range(len(shown.player)):
        rows = [
            " ".join(f"{marks(shown, time, row * shown.size + column) or '.':<4}" for column in range(shown.size))
            for row in range(shown.size)
        ]
        deeds = [f"step {time}", *(_deed(shown, time, i) for i in (RED, BLUE))]
        deeds += [""] * (len(rows) - len(deeds))
        rows += [""] * (len(deeds) - len(rows))
        width = 5 * shown.size
        blocks.append("\n".join(f"{row:<{width}} {deed}".rstrip() for row, deed in zip(rows, deeds, strict=True)))
    return "\n\n".join(blocks) + "\n"


def _deed(shown: Film, time: int, player: int) -> str:
    words = f"{NAMES[player]} {ACTIONS[shown.action[time, player]]}"
    words += "".join(f", takes {NAMES[color]}" for color in (RED, BLUE) if shown.taken[time, player, color])
    return words + f", {shown.reward[time, player]:+g}" * bool(shown.reward[time, player])
