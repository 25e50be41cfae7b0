"""Records what the Axelrod library does, for the tests that hold ours against it where the library is not installed.

Run it with a Python that has the library (`pip install axelrod`), from anywhere; it rewrites the tables beside it.
The tables hold facts only: sequences of actions and scores. The library is MIT licensed.
"""

import importlib.metadata
import pathlib
import random
import warnings

HERE = pathlib.Path(__file__).parent
TURNS = 200
NAMES = {
    "always-cooperate": "Cooperator",
    "always-defect": "Defector",
    "tit-for-tat": "TitForTat",
    "suspicious-tit-for-tat": "SuspiciousTitForTat",
    "anti-tit-for-tat": "AntiTitForTat",
    "win-stay-lose-shift": "WinStayLoseShift",
    "alternator": "Alternator",
    "grudger": "Grudger",
    "tit-for-two-tats": "TitFor2Tats",
    "go-by-majority": "GoByMajority",
    "hard-go-by-majority": "HardGoByMajority",
    "tideman-and-chieruzzi": "FirstByTidemanAndChieruzzi",
    "nydegger": "FirstByNydegger",
    "shubik": "FirstByShubik",
    "stein-and-rapoport": "FirstBySteinAndRapoport",
    "davis": "FirstByDavis",
    "downing": "FirstByDowning",
    "generous-tit-for-tat": "GTFT",
    "firm-but-fair": "FirmButFair",
    "joss": "FirstByJoss",
    "grofman": "FirstByGrofman",
    "graaskamp": "FirstByGraaskamp",
    "feld": "FirstByFeld",
    "tullock": "FirstByTullock",
    "anonymous": "FirstByAnonymous",
    "random": "Random",
}
SURE = list(NAMES)[:17]  # the deterministic ones
FIRST = [
    "tit-for-tat", "tideman-and-chieruzzi", "nydegger", "grofman", "shubik", "stein-and-rapoport", "grudger", "davis",
    "graaskamp", "downing", "feld", "joss", "tullock", "anonymous", "random",
]  # fmt: skip
CHANCY = [
    ("generous-tit-for-tat", "random", 0.0), ("generous-tit-for-tat", "tit-for-tat", 0.05),
    ("firm-but-fair", "joss", 0.0), ("joss", "joss", 0.0),
    ("joss", "tit-for-tat", 0.0), ("grofman", "downing", 0.0), ("grofman", "random", 0.0),
    ("graaskamp", "win-stay-lose-shift", 0.0), ("graaskamp", "joss", 0.0), ("graaskamp", "go-by-majority", 0.02),
    ("feld", "tit-for-tat", 0.0), ("feld", "shubik", 0.0), ("tullock", "grudger", 0.0), ("tullock", "nydegger", 0.0),
    ("anonymous", "stein-and-rapoport", 0.0), ("random", "tideman-and-chieruzzi", 0.0), ("random", "davis", 0.0),
    ("tit-for-tat", "tit-for-tat", 0.05), ("shubik", "nydegger", 0.05), ("downing", "tit-for-two-tats", 0.05),
    ("stein-and-rapoport", "tideman-and-chieruzzi", 0.05), ("win-stay-lose-shift", "win-stay-lose-shift", 0.05),
]  # fmt: skip


def packed(actions):
    """Actions as hexadecimal digits: four to a digit, D is 1."""
    bits = "".join("01"[action] for action in actions)
    return f"{int(bits, 2):0{len(bits) // 4}x}"


def watched(cls):
    """A strategy that notes what it meant to do, which noise may change."""

    class Watched(cls):
        def strategy(self, opponent):
            action = super().strategy(opponent)
            self.meant.append(action)
            return action

    player = Watched()
    player.meant = []
    return player


def trajectories(axl):
    """What deterministic rules of the first tournament meant to do, what they did, and what the other did."""
    generator = random.Random(1980)
    others = [
        axl.MockPlayer([axl.Action.D if generator.random() < share else axl.Action.C for _ in range(TURNS)])
        for share in (0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.97)
    ]
    others += [getattr(axl, NAMES[name])() for name in FIRST if name not in ("davis", "grudger", "anonymous")]
    for name in [name for name in FIRST if name in SURE]:
        for number, other in enumerate(others):
            for noise in (0.0, 0.1) if number % 5 == 0 else (0.0,):
                player = watched(getattr(axl, NAMES[name]))
                played = axl.Match((player, other), turns=TURNS, noise=noise, seed=number, reset=False).play()
                done, theirs = zip(*((a == axl.Action.D, b == axl.Action.D) for a, b in played), strict=True)
                meant = [action == axl.Action.D for action in player.meant]
                other.reset()
                yield f"{name} {packed(meant)} {packed(done) if noise else '='} {packed(theirs)}"


def scores(axl, repetitions=400):
    """Points of both in a match of 200 turns: whole numbers where sure, else mean and standard error of both."""
    for i, one in enumerate(SURE):
        for other in SURE[i:]:
            match = axl.Match((getattr(axl, NAMES[one])(), getattr(axl, NAMES[other])()), turns=TURNS)
            match.play()
            yield "{} {} {} {}".format(one, other, *match.final_score())
    for one, other, noise in CHANCY:
        each = []
        for seed in range(repetitions):
            players = getattr(axl, NAMES[one])(), getattr(axl, NAMES[other])()
            match = axl.Match(players, turns=TURNS, noise=noise, seed=seed)
            match.play()
            each.append(match.final_score())
        yield f"{one} {other} {noise} " + " ".join(map(_mean_and_error, zip(*each, strict=True)))


def _mean_and_error(values):
    mean = sum(values) / len(values)
    variance = sum((x - mean) ** 2 for x in values) / (len(values) - 1)
    return f"{mean:.4f} {(variance / len(values)) ** 0.5:.4f}"


def main():
    """Writes the tables."""
    import axelrod

    warnings.simplefilter("ignore")
    version = importlib.metadata.version("axelrod")
    for table in (trajectories, scores):
        about = f"# Axelrod library {version} (MIT licence), recorded by {pathlib.Path(__file__).name}\n"
        words = "\n".join(f"# {line}" for line in [table.__doc__])
        text = about + words + "\n" + "\n".join(table(axelrod)) + "\n"
        (HERE / f"axelrod_{table.__name__}.txt").write_text(text)


if __name__ == "__main__":
    main()
