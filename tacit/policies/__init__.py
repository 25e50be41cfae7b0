"""Trained agents that come with the package. `POLICIES` names them as text; listing imports nothing.

Each is a folder here with `policy.safetensors` and, in `policy.json`, the experiment that made it and its provenance.
Those of M-FOS play wherever a learning rule is named, those of Hanabi wherever a model of cross-play is, as the path of
a run folder does. `tacit export` makes such a folder.
"""

import pathlib

from tacit.registry import Entry

POLICIES: dict[str, Entry] = {
    "mfos-ipd": Entry("mfos-ipd", "M-FOS from meta-self-play in ipd, six pairs (recipe mfos-self-play)"),
    "mfos-ipd-mixed": Entry(
        "mfos-ipd-mixed", "M-FOS from meta-self-play in ipd that kept practicing against naive learners, six pairs"
    ),
    "mfos-ipd-naive": Entry("mfos-ipd-naive", "M-FOS trained against naive learners in ipd, six agents (mfos-ipd)"),
    "hanabi-small-obl-1": Entry("hanabi-small-obl-1", "small Hanabi: Off-Belief Learning, level 1 (small-hanabi-obl)"),
    "hanabi-small-obl-2": Entry("hanabi-small-obl-2", "small Hanabi: Off-Belief Learning, level 2 (small-hanabi-obl)"),
    "hanabi-small-obl-3": Entry("hanabi-small-obl-3", "small Hanabi: Off-Belief Learning, level 3 (small-hanabi-obl)"),
    "hanabi-small-sp": Entry("hanabi-small-sp", "small Hanabi: PPO in self-play (small-hanabi-sp-xp)"),
    "hanabi-small-entropy": Entry(
        "hanabi-small-entropy", "small Hanabi: PPO in self-play, high entropy (small-hanabi-sp-xp)"
    ),
    "hanabi-small-op": Entry("hanabi-small-op", "small Hanabi: PPO with Other-Play (small-hanabi-op)"),
    "hanabi-sp": Entry("hanabi-sp", "Hanabi: PPO in self-play (hanabi-ppo)"),
    "hanabi-obl-1": Entry("hanabi-obl-1", "Hanabi: Off-Belief Learning, level 1 (hanabi-obl)"),
    "hanabi-obl-2": Entry("hanabi-obl-2", "Hanabi: Off-Belief Learning, level 2, by a learned belief (hanabi-obl)"),
}


def place(name: str) -> pathlib.Path:
    """The folder of a trained agent."""
    return pathlib.Path(__file__).parent / POLICIES[name].target
