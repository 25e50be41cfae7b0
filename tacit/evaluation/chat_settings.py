"""How language models are asked, and how they play: plain settings, read by the command line before anything heavy."""

import dataclasses

from tacit import settings
from tacit.errors import SettingError
from tacit.settings import setting, unknown

CHANNELS = {
    "natural": "messages as they are said",
    "canonical": "each message is replaced by the plain wording of its claim",
    "synonyms": "each message is replaced by another wording of its claim, drawn at random",
    "shuffled": "each message is replaced by one from another episode",
    "silent": "nothing arrives",
    "grounded-speaker": "each message is replaced by a true claim, drawn at random",
}
VOCABULARIES = ("free", "closed", "claims")
SELF, LITERAL = "self", "literal"


@dataclasses.dataclass(frozen=True)
class Asking:
    """Where a language model is asked, and within what limits.

    Raises:
        SettingError: a value has the wrong type or lies outside its range.
    """

    url: str = setting("", "where the endpoint is, as in http://localhost:8080/v1")
    model: str = setting("", "name of the model there")
    key_variable: str = setting("", "name of the environment variable with the key; none, if the endpoint needs none")
    temperature: float = setting(1.0, "at which replies are drawn", low=0.0, high=2.0)
    reply_tokens: int = setting(512, "length of a reply at most", unit="tokens", low=1, high=10**6)
    send_seed: bool = setting(True, "requests carry a seed, different for each decision")
    timeout: float = setting(60.0, "after which an answer is late, and asked for again", unit="s", above=0.0, high=3600)
    retries: int = setting(4, "times that a call is repeated after a passing failure", low=0, high=100)
    pause: float = setting(0.5, "before the first repetition; doubled each time", unit="s", low=0.0, high=600)
    patience: float = setting(
        60.0, "longest pause; who asks for a longer one is asked no more", unit="s", low=0.0, high=86400
    )
    in_flight: int = setting(4, "calls at the same time", low=1, high=64)
    max_calls: int = setting(10_000, "calls in a run, repetitions included", low=0, high=10**9)
    max_tokens: int = setting(5_000_000, "tokens in a run, read and written", unit="tokens", low=0, high=10**12)
    max_cost: float | None = setting(None, "cost of a run, in the unit of the prices; no limit unless given", low=0.0)
    price_in: float = setting(0.0, "of what is read", unit="per million tokens", low=0.0)
    price_out: float = setting(0.0, "of what is written", unit="per million tokens", low=0.0)
    cache: str = setting("", "file with answers, used again; chat-answers.jsonl beside the run folder unless given")

    def __post_init__(self) -> None:
        settings.check(self)


@dataclasses.dataclass(frozen=True)
class Meeting:
    """Who plays with the model, how often, and what becomes of messages.

    Raises:
        SettingError: a value has the wrong type or lies outside its range.
    """

    partner: str = setting(
        SELF, "who plays with the model: self, literal, model:NAME, a run's seed (RUN:0), or a scripted player"
    )
    seat: int = setting(0, "of the model where its partner is another; the partner has all other seats", low=0, high=15)
    episodes: int = setting(100, "episodes, the same ones under each law of the channel", low=1, high=10**6)
    longest: int = setting(0, "steps after which an episode is cut off; never, if 0", unit="steps", low=0, high=10**6)
    channels: tuple[str, ...] = setting(("natural",), "laws of the channel: " + ", ".join(CHANNELS))
    vocabulary: str = setting(
        "free", "what may be said: free text, words of a list, or the plain wordings of claims", choices=VOCABULARIES
    )
    letters: int = setting(200, "length of a message at most", unit="characters", low=1, high=10_000)
    talk: str = setting(
        "auto", "whether players may say something where the game leaves that open", choices=("auto", "on", "off")
    )
    sampled: bool = setting(False, "a learned partner draws its actions, and does not take the most probable one")

    def __post_init__(self) -> None:
        settings.check(self)
        for channel in self.channels:
            if channel not in CHANNELS:
                raise SettingError(unknown("channel", channel, CHANNELS))
        if len(set(self.channels)) < len(self.channels) or "natural" not in self.channels:
            raise SettingError(f"channels must be different, and natural among them, got {', '.join(self.channels)}")


@dataclasses.dataclass(frozen=True)
class Plan(Meeting, Asking):
    """A language model in a game, in full."""

    game: str = setting("referential", "what is played, with changes if any")

    def __post_init__(self) -> None:
        Asking.__post_init__(self)
        Meeting.__post_init__(self)
