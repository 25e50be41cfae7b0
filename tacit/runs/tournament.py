"""A tournament as a computation: its entrants from their names, its matches, its table and its pictures.

Entrants are named by a word each:

    tit-for-tat                     a scripted player (`tacit list players`)
    first, all                      the fifteen of Axelrod's first tournament; every scripted player
    mine=0.9,0.1,0.9,0.1,1          probabilities of C after CC, CD, DC, DD and at the start
    axelrod:TitForTat               a strategy of the Axelrod library, where that is installed
    runs/ppo-ipd-001                what a run learned: one entrant for each of its seats and seeds
"""

import math
import pathlib
from collections.abc import Iterator, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from tacit.errors import Misfit, SettingError
from tacit.evaluation.rules import Tournament
from tacit.evaluation.standings import Standings, ecology, standings
from tacit.evaluation.tournament import Entrant, exact_scores, memory_one, own_rewards, played_scores
from tacit.games.matrix import STATES, MatrixGame
from tacit.interop import axelrod
from tacit.interop.axelrod import Foreign
from tacit.learners import HANABI_BOTS, PLAYERS, TRADERS
from tacit.learners.axelrod_first import FIRST_TOURNAMENT
from tacit.learners.scripted import MEMORY_ONE, known
from tacit.loops import player as part_of
from tacit.registry import load
from tacit.runs import exhibits, policies
from tacit.runs.computation import Computation, Say
from tacit.runs.experiment import board, game
from tacit.runs.store import RunFolder
from tacit.runs.training import read_back
from tacit.settings import unknown

MATRIX_PLAYERS = tuple(name for name in PLAYERS if name not in HANABI_BOTS and name not in TRADERS)
GROUPS = {"first": FIRST_TOURNAMENT, "all": MATRIX_PLAYERS}
MOST = 1000  # entrants; the table of their scores is square


def computation(plan: Tournament, seeds: int, seed: int) -> Computation:
    """A tournament as what goes into a run folder.

    Raises:
        InputError: the entrants or the game do not fit; the line says why.
    """
    entering(plan)
    return Computation(tournament, plan, seeds, seed)


def entering(plan: Tournament) -> tuple[list[Entrant | Foreign], tuple[float, ...]]:
    """The entrants of a tournament, and the rewards at CC, CD, DC, DD.

    Raises:
        SettingError: a name is unknown or taken twice, there are too few or too many entrants, or a vector is no
            vector of five probabilities.
        Misfit: the game has no tournaments, or an entrant does not fit what is asked.
        RunError: a run folder is missing or damaged.
    """
    rewards = own_rewards(game(*board(plan.game)))
    turns = plan.turns if plan.ending == 0 else math.inf  # nobody knows when a match will end
    found = [entrant for word in plan.entrants for entrant in _entrants(word, turns, rewards)]
    names = [entrant.name for entrant in found]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise SettingError(f"{twice} enters twice; an entrant meets its own twin without that")
    if not 2 <= len(found) <= MOST:
        raise SettingError(f"a tournament has 2 to {MOST} entrants, got {len(found)}")
    if plan.exact:
        memory_one(_ours(found, "closed form"))
    if plan.ecological and min(rewards) < 0:
        raise Misfit(f"shares reproduce by their scores, which must not be negative; {plan.game} pays {min(rewards):g}")
    return found, rewards


def _ours(entrants: Sequence[Entrant | Foreign], what: str) -> list[Entrant]:
    for entrant in entrants:
        if isinstance(entrant, Foreign):
            raise Misfit(f"{entrant.name} has no {what}: it plays in the Axelrod library")
    return [entrant for entrant in entrants if isinstance(entrant, Entrant)]


def _entrants(word: str, turns: float, rewards: Sequence[float]) -> Iterator[Entrant | Foreign]:
    """Who enters under a word."""
    if word in HANABI_BOTS:
        raise Misfit(f"{word} plays Hanabi, not matrix games; see tacit evaluate cross-play")
    if word in TRADERS:
        raise Misfit(f"{word} trades in farbook, and plays no matrix games; see tacit reproduce farbook-traders")
    if word in GROUPS or word in PLAYERS:
        for name in GROUPS.get(word, (word,)):
            player = load("player", PLAYERS, name)
            yield Entrant(name, player.policy, known(player, turns, rewards))
    elif word.startswith(axelrod.PREFIX):
        yield axelrod.foreign(word)
    elif "=" in word:
        yield _typed(word)
    elif word and pathlib.Path(word).is_dir():
        yield from _trained(pathlib.Path(word))
    else:
        line = unknown("entrant", word, [*MATRIX_PLAYERS, *GROUPS])
        raise SettingError(f"{line}, NAME=FIVE,PROBABILITIES, axelrod:STRATEGY, a run folder")


def _typed(word: str) -> Entrant:
    name, _, numbers = word.partition("=")
    try:
        chances = [float(number) for number in numbers.split(",")]
    except ValueError:
        chances = []
    if not name or len(chances) != len(STATES) or not all(0 <= chance <= 1 for chance in chances):
        wanted = (
            "NAME= and five probabilities of C, after CC, CD, DC, DD and at the start, as in mine=0.9,0.1,0.9,0.1,1"
        )
        raise SettingError(f"{word!r} must be {wanted}")
    return Entrant(name, MEMORY_ONE, jnp.array(chances))


def _trained(path: pathlib.Path) -> Iterator[Entrant]:
    """One entrant for each seat and seed of a run."""
    held = (path / "policy.json").exists()
    found = policies.load(path) if held else policies.of(read_back(RunFolder.open(path)))
    spec = found.game.spec
    if (spec.observation, spec.action) != (MatrixGame().spec.observation, MatrixGame().spec.action):
        raise Misfit(f"{path.name} learned on {found.experiment.game}, and its policies do not play matrix games")
    for seat, (policy, params) in enumerate(found.seats, 1):
        for seed in range(found.experiment.seeds):
            yield Entrant(f"{path.name}/player {seat}/seed {seed}", policy, part_of(seed, params))


def tournament(plan: Tournament, seeds: int, seed: int, say: Say) -> dict[str, Any]:
    """Plays tournaments and says who came where; see `result`."""
    entrants, rewards = entering(plan)
    names = [entrant.name for entrant in entrants]
    if plan.exact:
        scores = exact_scores(rewards, memory_one(_ours(entrants, "closed form")), plan)[None, None]
    else:
        ours = [entrant for entrant in entrants if isinstance(entrant, Entrant)]
        shape = (seeds, plan.repetitions, len(ours), len(ours))
        scores = played_scores(rewards, ours, plan, seeds, seed) if ours else np.empty(shape)
        if len(ours) < len(entrants):
            say(f"playing {len(entrants) - len(ours)} strategies of the Axelrod library, turn by turn")
            scores = axelrod.mixed_scores(entrants, scores, rewards, plan, seed)
    return result(plan, standings(names, scores, plan.twins), scores)


def result(plan: Tournament, found: Standings, scores: np.ndarray) -> dict[str, Any]:
    """What came of a tournament, as plain data.

    The keys: `ranking`, one entry for each entrant from the first to the last; `names` and `scores`, the mean score by
    turn of each (row) against each (column), in the order of the ranking; `places` and `means`, each one's place and
    mean score by turn in each tournament; `shares`, in an ecological tournament, each one's share by generation.
    """
    order = list(found.order)
    names = [found.names[i] for i in order]
    matrix = scores.mean(axis=(0, 1))[np.ix_(order, order)]
    places, means = found.places[:, order].T, found.scores[:, :, order].mean(axis=1).T
    ranking = [_line(rank, found, i) for rank, i in enumerate(order, 1)]
    content: dict[str, Any] = {"ranking": ranking, "names": names, "scores": matrix.tolist()}
    content |= {"places": places.tolist(), "means": means.tolist()}
    shown = [
        exhibits.table("Ranking", HEAD, [_cells(line) for line in ranking], EXPECTED if plan.exact else OVER),
        exhibits.heat_map("Score by turn of each row against each column", names, names, matrix),
    ]
    if len(found.places) > 1:
        count = np.stack([np.bincount(row, minlength=len(order) + 1)[1:] for row in places])
        share = np.where(count > 0, count / len(found.places), np.nan)
        ordinals = [str(place) for place in range(1, len(order) + 1)]
        shown.append(
            exhibits.heat_map("Share of the tournaments in which each came first, second, ...", names, ordinals, share)
        )
    if plan.ecological:
        path = ecology(matrix, plan.ecological)
        content["shares"] = dict(zip(names, path.T.tolist(), strict=True))
        lines = dict(zip(names, path.T, strict=True))
        labels = ("generation", "share of the population")
        shown.append(exhibits.curves("A population that reproduces by score", range(len(path)), lines, labels))
    return content | {"exhibits": shown}


HEAD = ("rank", "entrant", "median", "mean", "sd", "n", "places")
EXPECTED = "Expected score by turn, in closed form."
OVER = "Score by turn: median, mean and standard deviation over n repetitions; places over seeds (median)."


def _line(rank: int, found: Standings, i: int) -> dict[str, Any]:
    each, places = found.scores[..., i].ravel(), found.places[:, i]
    return {
        "rank": rank,
        "name": found.names[i],
        "median": float(np.median(each)),
        "mean": float(each.mean()),
        "sd": float(each.std(ddof=1)) if len(each) > 1 else None,
        "spread_kind": "sd over repetitions",
        "n": len(each),
        "best_place": int(places.min()),
        "median_place": float(np.median(places)),
        "worst_place": int(places.max()),
        "seeds": len(places),
    }


def _cells(line: dict[str, Any]) -> list[Any]:
    span = str(line["best_place"])
    if line["worst_place"] > line["best_place"]:
        span += f" - {line['worst_place']} ({line['median_place']:g})"
    return [line["rank"], line["name"], line["median"], line["mean"], line["sd"], line["n"], span]
