"""Who won a round robin, how surely, and whom a population would keep: rankings and the ecological tournament.

An entrant's score in a repetition is its mean score by turn over its opponents; its twin counts only where asked. An
entrant's place is by the median of these over the repetitions, as in the Axelrod library (result_set.py). A
tournament's places hang on its randomness, so several are played with different seeds and the places counted.

The ecological tournament (Axelrod 1980, More effective choice) lets shares x of a population reproduce by their score
against the present mix, twins included:

    f = A x      x_i <- x_i f_i / sum_j x_j f_j ,

as in the library's `Ecosystem`, which adds noise to A; here A is the mean over all repetitions.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tacit.errors import Misfit

DIGITS = 6  # scores closer than that are the same place: only rounding tells them apart


class Standings(NamedTuple):
    """What a round robin says of its entrants.

    Attributes:
        names: `[N]`, in the order of the scores.
        scores: `[S, R, N]` score by turn in each repetition of each tournament.
        places: `[S, N]` place in each tournament, from 1; equal medians share the better place.
        order: entrants from the first to the last, by the median over all repetitions.
    """

    names: tuple[str, ...]
    scores: np.ndarray
    places: np.ndarray
    order: tuple[int, ...]


def standings(names: Sequence[str], scores: np.ndarray, twins: bool = False) -> Standings:
    """Ranks the entrants of a round robin.

    Args:
        scores: `[S, R, N, N]` score by turn of each entrant (row) against each (column).
        twins: an entrant's match against its twin counts, as in Axelrod's first tournament.

    >>> found = standings(["meek", "bold"], np.array([[[[3.0, 0.0], [5.0, 1.0]]]]))
    >>> found.order, found.places.tolist()
    ((1, 0), [[2, 1]])
    """
    own = scores if twins else _without_twins(scores)
    each = own.mean(axis=-1)
    places = np.stack([_places(np.median(part, axis=0)) for part in each])
    middle = np.median(each.reshape(-1, len(names)), axis=0).round(DIGITS)
    return Standings(tuple(names), each, places, tuple(int(i) for i in np.argsort(-middle, kind="stable")))


def _without_twins(scores: np.ndarray) -> np.ndarray:
    """`[..., N, N]` to `[..., N, N - 1]`: the diagonal left out."""
    size = scores.shape[-1]
    return scores[..., ~np.eye(size, dtype=bool)].reshape(*scores.shape[:-1], size - 1)


def _places(medians: np.ndarray) -> np.ndarray:
    """Place of each `[N]`: one more than how many are better."""
    rounded = medians.round(DIGITS)
    return 1 + (rounded[None] > rounded[:, None]).sum(axis=1)


def ecology(payoffs: np.ndarray, generations: int, start: np.ndarray | None = None) -> np.ndarray:
    """Shares of a population over the generations, `[generations + 1, N]`.

    Args:
        payoffs: `[N, N]` score of each entrant (row) against each (column), its twin included.
        start: `[N]` shares at first, all equal where not given.

    Raises:
        Misfit: a payoff is negative, or all are 0; a negative number of offspring has no meaning.

    >>> ecology(np.array([[3.0, 0.0], [5.0, 1.0]]), 2).round(3).tolist()
    [[0.5, 0.5], [0.333, 0.667], [0.176, 0.824]]
    """
    if payoffs.min() < 0 or payoffs.max() <= 0:
        raise Misfit("shares reproduce by their scores, which must not be negative: play axelrod-ipd, say")
    shares = np.full(len(payoffs), 1 / len(payoffs)) if start is None else np.asarray(start, float) / np.sum(start)
    path = [shares]
    for _ in range(generations):
        offspring = path[-1] * (payoffs @ path[-1])
        path.append(offspring / offspring.sum())
    return np.stack(path)
