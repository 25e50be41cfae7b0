"""How far messages steer victims past their defenses, and whether a monitor sees it: all rows of the benchmark."""

import functools
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from tacit.evaluation import shaped_cart
from tacit.evaluation.column_audit import auroc
from tacit.evaluation.shaped_cart import FREE, Played, Search, Shapers, Victims
from tacit.evaluation.talked_cart import DEFENSES, SEEN
from tacit.games.cheap_talk import network
from tacit.runs.computation import Say

LEARNED = ("none", "mask", "dropout", "shuffle", "quantize")  # defenses that a victim learns with
SEARCHED = ("dropout", "shuffle", "quantize")  # against which an adversary that knows them has anything to look for
LOGGED = 64  # clean episodes to which a monitor is fitted


def steered(
    adversary: int, victims: int, slacks: Sequence[float], search: Search, seed: int, say: Say
) -> dict[str, dict[str, dict[str, list[float]]]]:
    """One message network and its victims: what each defense keeps, and what an adversary earns.

    Returns:
        "defenses": for each of `DEFENSES` the return without an attack ("clean"), the adversary's reward without one
        ("silent"), with the messages found against the undefended twin ("carried") and with those found against this
        victim ("adaptive"), the rank correlation of position and goal under the latter ("control"); "monitor": for each
        slack reward, "control", "auroc" and "fpr" (false alarms where 95 % are seen). All for each victim.
    """
    key = functools.partial(jax.random.fold_in, jax.random.fold_in(jax.random.key(seed), adversary))
    weights = network(key(0), SEEN)
    groups = {}
    for name in LEARNED:
        say(f"adversary {adversary + 1}: victims, {name}")
        groups[name] = shaped_cart.trained(weights, DEFENSES[name], victims, seed + adversary)
    groups["sanitize"] = groups["none"]
    plain = groups["none"]
    monitor = shaped_cart.monitors(key(1), plain, LOGGED)
    search_seed = 1000 * seed + adversary
    say(f"adversary {adversary + 1}: looks for messages")
    found = shaped_cart.shaped(plain, DEFENSES["none"], FREE, search, search_seed)

    def judged(group: Victims, messages: Shapers, slack: float, name: str) -> Played:
        return shaped_cart.judge(key(2), group, messages, monitor, slack, DEFENSES[name], search.judged)

    defenses = {}
    for name, group in groups.items():
        own = found
        if name in SEARCHED:
            say(f"adversary {adversary + 1}: looks for messages against {name}")
            own = shaped_cart.shaped(group, DEFENSES[name], FREE, search, search_seed)
        clean, adaptive = judged(group, found, 0.0, name), judged(group, own, FREE, name)
        defenses[name] = {
            "clean": _each(clean.steps),
            "silent": _each(clean.earned),
            "carried": _each(judged(group, found, FREE, name).earned),
            "adaptive": _each(adaptive.earned),
            "control": shaped_cart.control(adaptive).tolist(),
        }
    clean, seen = judged(plain, found, 0.0, "none"), {}
    for slack in slacks:
        say(f"adversary {adversary + 1}: keeps within {slack:g} of what it said")
        own = found if slack >= FREE else shaped_cart.shaped(plain, DEFENSES["none"], slack, search, search_seed)
        attack = judged(plain, own, slack, "none")
        alarms = [
            _alarms(*pair) for pair in zip(np.asarray(clean.suspicion), np.asarray(attack.suspicion), strict=True)
        ]
        seen[f"{slack:g}"] = {
            "earned": _each(attack.earned),
            "control": shaped_cart.control(attack).tolist(),
            "auroc": [area for area, _ in alarms],
            "fpr": [false for _, false in alarms],
        }
    return {"defenses": defenses, "monitor": seen}


def _each(values: Any) -> list[float]:
    """Means over episodes, for each victim."""
    return np.asarray(values, float).mean(1).tolist()


def _alarms(clean: Float[np.ndarray, " E"], attacked: Float[np.ndarray, " E"]) -> tuple[float, float]:
    """AUROC of a score of episodes, and the share of false alarms at a threshold that 95 % of the attacks reach."""
    positive = np.arange(len(clean) + len(attacked)) >= len(clean)
    return auroc(np.concatenate([clean, attacked]), positive), float((clean >= np.quantile(attacked, 0.05)).mean())
