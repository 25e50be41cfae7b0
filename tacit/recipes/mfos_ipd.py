"""M-FOS in the iterated prisoner's dilemma: it extorts naive learners, and cooperates with those that shape."""

from collections.abc import Mapping

from tacit.recipes import meta
from tacit.recipes.base import Budget, Measured, Recipe, Target
from tacit.runs.experiment import Experiment
from tacit.runs.training import Finished

PAPER = "Lu et al. 2022, Model-Free Opponent Shaping (its tables could not be read; see the sources of the figures)"
MEMORY = "remembered from the paper, not checked against its text"
OWN = "tacit's specification"

MAML = {"num_games": 16, "lr": 0.1}  # larger steps than published, fewer of them
FIXED = {"lr": 0.0, "random_first": True}  # under the same terms as M-FOS

TRAINED = {
    "train against naive": meta.train("ipd", "naive"),
    "train against LOLA": meta.train("ipd", "lola", opponent=meta.TAYLOR),
    "train against LOLA, paper's form": meta.train("ipd", "lola"),
    "M-MAML": Experiment("m-maml", "ipd", "naive", MAML, iterations=600, seeds=10),
    "train against M-MAML": meta.train("ipd", meta.learned("M-MAML")),
    "best fixed policy": Experiment("m-maml", "ipd", "naive", MAML | {"fixed": True}, iterations=600, seeds=10),
}
MET = {
    "v naive": ("M-FOS", "naive"),
    "v LOLA": ("M-FOS", "LOLA"),
    "v LOLA, paper's form": ("M-FOS", "LOLA"),
    "v M-MAML": ("M-FOS", "M-MAML"),
    "v itself": ("M-FOS, seat 1", "M-FOS, seat 2"),
    "M-MAML v naive": ("M-MAML", "naive"),
    "best fixed policy v naive": ("fixed", "naive"),
}
MEETINGS = {
    "v naive": meta.meet("ipd", meta.learned("train against naive"), "naive"),
    "v LOLA": meta.meet("ipd", meta.learned("train against LOLA"), "lola", opponent=meta.TAYLOR),
    "v LOLA, paper's form": meta.meet("ipd", meta.learned("train against LOLA, paper's form"), "lola"),
    "v M-MAML": meta.meet("ipd", meta.learned("train against M-MAML"), meta.learned("M-MAML")),
    "v itself": meta.meet("ipd", "mfos-ipd"),
    "M-MAML v naive": meta.meet("ipd", meta.learned("M-MAML"), "naive"),
    "best fixed policy v naive": meta.meet("ipd", meta.learned("best fixed policy"), "naive", mine=FIXED),
}


def measure(runs: Mapping[str, Finished]) -> dict[str, Measured]:
    """Mean rewards over fresh meta-episodes, and what shaping by learning brings over the best fixed policy."""
    found = meta.figures(runs, MET)
    fixed = meta.by_agent(runs["best fixed policy v naive"])[:, 0]
    dynamic = meta.by_agent(runs["v naive"])[:, 0]
    gain = float(dynamic.mean() - fixed.max())
    error = float(dynamic.std(ddof=1) / len(dynamic) ** 0.5) if len(dynamic) > 1 else None
    return found | {
        "best fixed policy, against naive": Measured(float(fixed.max()), None, "sd over searches", len(fixed)),
        "gain over it": Measured(gain, error, "se over trained agents", len(dynamic)),
    }


RECIPE = Recipe(
    name="mfos-ipd",
    title="M-FOS extorts naive learners, and cooperates with learners that shape and with itself",
    paper=PAPER,
    rows={**TRAINED, **MEETINGS},
    measure=measure,
    targets=(
        Target(
            "v naive: M-FOS",
            meta.RERUN,
            low=-0.65,
            reason="well above what any fixed policy gets; the published figures are -0.56 and -0.51",
            published=-0.560,
            published_spread=0.031,
        ),
        Target(
            "v naive: naive",
            MEMORY,
            high=-1.9,
            reason="it ends no better than mutual defection",
            published=-2.14,
            verified=False,
        ),
        Target(
            "best fixed policy, against naive",
            "gradient search, computed independently",
            low=-0.80,
            reason="the best of the searches finds as good a maximum as another search did",
            published=-0.76,
        ),
        Target(
            "gain over it",
            OWN,
            low=0.0,
            reason="a policy that first teaches and then exploits must beat the best that stays as it is",
        ),
        Target(
            "v LOLA: M-FOS",
            meta.RERUN,
            low=-1.05,
            reason="no worse than mutual cooperation reached after a while",
            published=-1.024,
        ),
        Target(
            "v LOLA, paper's form: M-FOS",
            MEMORY,
            low=-1.05,
            reason="the same; exploitation (-0.73) is remembered, and contradicted by the rerun (-1.02)",
            published=-0.73,
            verified=False,
        ),
        Target("v M-MAML: M-FOS", MEMORY, low=-1.0, reason="above mutual cooperation", published=-0.8, verified=False),
        Target(
            "v itself: M-FOS, seat 1",
            meta.RERUN,
            low=-1.05,
            reason="mutual cooperation",
            published=-1.006,
        ),
        Target(
            "M-MAML v naive: M-MAML",
            "the ten published initializations in the public M-FOS code, run afresh",
            low=-1.254 - 0.28,
            high=-1.254 + 0.28,
            reason="within one standard deviation of the published ten",
            published=-1.254,
            published_spread=0.28,
        ),
    ),
    scaled=tuple(TRAINED),
    quick=Budget(seeds=2, iterations=40),
    full=Budget(seeds=10, iterations=1024, learner={"num_games": 4096}),
    notes=(
        "Published budget: batches of 4096 meta-episodes, 1024 iterations; here batches are smaller.",
        "M-MAML plays with step size 1 whatever it learned, as in the public M-FOS code.",
        "The fixed policy, too, begins with a random step that does not count, from which the naive learner learns.",
        "Those that met themselves come with the package: the recipe mfos-self-play trained them.",
        "The rewards are means over the 100 counted steps of a meta-episode, learning included; policies are sampled.",
    ),
)
