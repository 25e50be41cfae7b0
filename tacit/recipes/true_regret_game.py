"""The game of regret: with true regret as score a replay curriculum finds its solution; with other scores it does not.

Between two fruits of which one is right (`two-fruits`), a teacher that maximizes regret and a student that minimizes it
play a game whose solution is known. A curriculum that prefers levels of high regret is that teacher. Beside it stand
the methods that have only an estimate of regret, and what they make of the student where the apple or the banana is
best in truth.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tacit.games.fruit import grounded_return, regret_game
from tacit.recipes import curricula
from tacit.recipes.base import Budget, Measured, Recipe, Target, over_seeds
from tacit.recipes.curricula import DR, METHODS, OWN, ROBUST, SAMPLR
from tacit.runs import exhibits
from tacit.runs.experiment import Experiment
from tacit.runs.training import Finished

STUDENT = {
    "num_games": 16, "hidden": 8, "epochs": 1, "minibatches": 1, "normalize": False, "entropy_weight": 0.0,
    "scale": 10.0, "distinct": False, "replay": 0.5,
}  # fmt: skip
# A score is a mean over `length` episodes. What is replayed is what was judged too high by chance, levels of the fruit
# that pays most above all; with so many episodes that moves the student by about 0.02.
REGRET = STUDENT | {"score": "true-regret", "length": 512, "capacity": 64, "temperature": 1.0, "lr": 1e-3}
CHOICE = STUDENT | {"length": 16, "capacity": 256, "lr": 1e-2}
PAIRS = ((3.0, 5.0), (3.0, 10.0), (10.0, 3.0))
SETTINGS = ((0.7, 3.0, 5.0), (0.7, 3.0, 10.0), (0.85, 3.0, 10.0))
WITHIN = 0.05
LATE = 0.5  # of a run: the rest is its beginning
PVL = "robust PLR, positive value loss"
FORMS = {DR: METHODS[DR], ROBUST: METHODS[ROBUST], SAMPLR: METHODS[SAMPLR], PVL: {"score": "positive-value-loss"}}


def _game(rules: tuple[float, float, float]) -> dict[str, float]:
    return dict(zip(("apple_right", "apple", "banana"), rules, strict=True))


def _solved(pair: tuple[float, float]) -> str:
    return f"true regret, R_A {pair[0]:g}, R_B {pair[1]:g}"


def _chose(form: str, rules: tuple[float, float, float]) -> str:
    return f"{form}, q {rules[0]:g}, R_A {rules[1]:g}, R_B {rules[2]:g}"


def _best(rules: tuple[float, float, float]) -> float:
    apple_right, apple, banana = rules
    return max(apple_right * apple, (1 - apple_right) * banana)


CHOICES = {
    _chose(form, rules): (form, rules) for rules in SETTINGS for form in FORMS if form != PVL or rules == SETTINGS[0]
}


def _returned(run: Finished) -> np.ndarray:
    """What each seed earns under the ground truth, by how often it ate the apple late in its run."""
    apple = curricula.last(run, "apple", LATE)
    return grounded_return(run.game, apple, 1 - apple)


def measure(runs: Mapping[str, Finished]) -> dict[str, Measured]:
    """How often the apple is eaten where the game is solved, and what the other methods earn in truth."""
    solved = {f"{_solved(pair)}: P(apple)": curricula.last(runs[_solved(pair)], "apple", LATE) for pair in PAIRS}
    chosen = {f"{name}: return": _returned(runs[name]) for name in CHOICES}
    return {name: over_seeds(values) for name, values in (solved | chosen).items()}


def details(runs: Mapping[str, Finished]) -> list[str]:
    """The teacher's side, and the choices behind the returns."""
    lines = []
    for pair in PAIRS:
        run, teacher = runs[_solved(pair)], regret_game(*pair).teacher
        found = curricula.last(run, "level_apple_right", LATE).mean()
        lines.append(f"{_solved(pair)}: apple levels among replays {found:.3f}, in the solution {teacher:.3f}.")
    for name in CHOICES:
        apple, level = (curricula.last(runs[name], metric, LATE) for metric in ("apple", "level_apple_right"))
        lines.append(f"{name}: P(apple) {apple.mean():.3f}; apple levels among those learned on {level.mean():.3f}.")
    return lines


def exhibits_of(runs: Mapping[str, Finished]) -> list[dict[str, Any]]:
    """How the choice moves, in the solved games and beside them."""
    shown = []
    for pair in PAIRS:
        run, solution = runs[_solved(pair)], regret_game(*pair).student
        x = run.metrics["iteration"].tolist()
        lines = {f"seed {s}": line for s, line in enumerate(curricula.by_seed(run, "apple").T)}
        lines["solution"] = np.full(len(x), solution)
        shown.append(exhibits.curves(_solved(pair), x, lines, ("cycles", "probability of the apple")))
    for rules in SETTINGS:
        those = {form: runs[name] for name, (form, of) in CHOICES.items() if of == rules}
        title = "q {:g}, R_A {:g}, R_B {:g}".format(*rules)
        shown.append(curricula.curve(title, those, "apple", "probability of the apple"))
    return shown


def _row(settings: Mapping[str, Any], rules: Mapping[str, float], iterations: int) -> Experiment:
    return Experiment(
        "curriculum", "two-fruits", "", dict(settings), dict(rules), iterations=iterations, seeds=5, every=20
    )


def _solution(pair: tuple[float, float]) -> Target:
    student = regret_game(*pair).student
    reason = f"within {WITHIN:g} of the solution, R_A / (R_A + R_B) = {student:.3f}"
    return Target(f"{_solved(pair)}: P(apple)", OWN, low=student - WITHIN, high=student + WITHIN, reason=reason)


def _return(name: str) -> Target:
    form, rules = CHOICES[name]
    best = _best(rules)
    if form in (ROBUST, PVL) and best == rules[0] * rules[1]:
        return Target(
            f"{name}: return", OWN, low=1.4, high=1.6, reason="it eats the banana, though the apple is better"
        )
    return Target(f"{name}: return", OWN, low=0.95 * best, reason=f"at least 95 % of the best, {best:g}")


RECIPE = Recipe(
    name="true-regret-game",
    title="With true regret a replay curriculum solves the game of regret; with estimates it prefers what pays most",
    paper="Jiang et al. 2021, Replay-Guided Adversarial Environment Design; Jiang et al. 2022 (SAMPLR)",
    rows={_solved(pair): _row(REGRET, {"apple": pair[0], "banana": pair[1]}, 800) for pair in PAIRS}
    | {name: _row(CHOICE | FORMS[form], _game(rules), 400) for name, (form, rules) in CHOICES.items()},
    measure=measure,
    targets=(*map(_solution, PAIRS), *map(_return, CHOICES)),
    quick=Budget(seeds=2, iterations=40),
    full=Budget(seeds=20),
    notes=(
        "Figures are means over the second half of a run, of play as it learns. q is the probability that the apple is "
        "right, R_A and R_B what the right apple and banana pay. Returns are under the ground truth.",
        "Where nothing but the choice is left, SAMPLR is domain randomization on the replays: these rows show the bias "
        "of robust PLR, not what SAMPLR's curriculum is good for (see fruit-choice).",
    ),
    details=details,
    exhibits=exhibits_of,
)
