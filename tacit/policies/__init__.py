"""Trained agents that come with the package. `POLICIES` names them as text; listing imports nothing.

Each is a folder here with `policy.safetensors` and, in `policy.json`, the experiment that made it and its provenance.
They play wherever a learning rule is named, as the path of a run folder does.
"""

import pathlib

from tacit.registry import Entry

POLICIES: dict[str, Entry] = {
    "mfos-ipd": Entry("mfos-ipd", "M-FOS from meta-self-play in ipd, six pairs (recipe mfos-self-play)"),
    "mfos-ipd-mixed": Entry(
        "mfos-ipd-mixed", "M-FOS from meta-self-play in ipd that kept practicing against naive learners, six pairs"
    ),
    "mfos-ipd-naive": Entry("mfos-ipd-naive", "M-FOS trained against naive learners in ipd, six agents (mfos-ipd)"),
}


def place(name: str) -> pathlib.Path:
    """The folder of a trained agent."""
    return pathlib.Path(__file__).parent / POLICIES[name].target
