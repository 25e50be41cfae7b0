"""Models at play with their channel tapped: what they say, and what becomes of play if something else is delivered.

Every law of the channel (`tapped`) is played on the same E episodes, with the same levels and the same luck, by one
compiled program. So episodes are pairs, and what follows from setting one message is what that message does:

    influence   of one message in each episode, drawn among all that were said in it: that message is set to each m in
                turn, everything before it being as it was, and the rest runs its course. I(M; A | the episode), with
                p(m | o) as often as it is said, and A what the listener then does: H(A) where its answer to m is
                given. It is 0 for who does not listen, and at most H(M | O).
    of any      the same, with all m alike: what the listener would do upon messages that are never said counts, too.
    of wording  the same, with m among the wordings of the claim that was made, all alike.

Luck is held fixed, so for players who draw what they do, all are those of players who know their draws beforehand, and
not lower than without that.
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from tacit import scale
from tacit.errors import InputError, Misfit
from tacit.evaluation.message_metrics import entropy, shares
from tacit.evaluation.readings import Reading
from tacit.evaluation.talk import NONE, Talk, one_each
from tacit.evaluation.tapped import ALWAYS, Law, Tap, Tapped, untouched
from tacit.loops import joint, rollout, start
from tacit.types import Carry, Params, Policy

MOST_SET = 16  # messages that one is set to, those that are said most often
Seats = tuple[tuple[Policy, Params], ...]


class Heard(NamedTuple):
    """E episodes as they were played; arrays `[E, T, P]`, those of `returns` `[E]`.

    Attributes:
        spoke: who said something that somebody would hear.
        public, private, sent: what about, and what.
        answer, own: what the listener, and the speaker, did next.
        returns: mean over players.
    """

    spoke: Any
    public: Any
    private: Any
    sent: Any
    answer: Any
    own: Any
    returns: Any


class Room(NamedTuple):
    """Who is listened to, and in what: everything but the law."""

    reading: Reading
    seats: Seats
    episodes: int
    seed: int

    @property
    def natural(self) -> Law:
        """The law that changes nothing."""
        names = self.reading.names()
        return untouched(len(names.publics), len(names.states), len(names.messages))


def hear(room: Room, law: Law | None = None, steps: np.ndarray | None = None, who: np.ndarray | None = None) -> Heard:
    """Plays all episodes under a law.

    Args:
        law: of the channel; natural, if not given.
        steps, who: `[E]` the one message of each episode that the law is about; all, if not given.

    Raises:
        Misfit: there are not as many players as seats.
    """
    reading, seats, episodes, seed = room
    if len(seats) != reading.game.spec.num_players:
        raise Misfit(f"there are players for {len(seats)} seats, and the game has {reading.game.spec.num_players}")
    policies, params = tuple(quiet(policy) for policy, _ in seats), tuple(own for _, own in seats)
    steps = np.full(episodes, ALWAYS) if steps is None else steps
    who = np.zeros(episodes, int) if who is None else who
    law = room.natural if law is None else law
    with scale.precision_of(list(params)):
        asked = jnp.asarray(steps, jnp.int32), jnp.asarray(who, jnp.int32)
        found = _play(policies, episodes, reading, jax.tree.map(jnp.asarray, law), params, asked, jax.random.key(seed))
    return jax.tree.map(np.asarray, found)._replace(returns=np.asarray(found.returns, float))


@functools.partial(jax.jit, static_argnums=(0, 1))
def _play(
    policies: tuple[Policy, ...],
    episodes: int,
    reading: Reading,
    law: Law,
    params: tuple[Params, ...],
    asked: tuple[Int[Array, " E"], Int[Array, " E"]],
    key: PRNGKeyArray,
) -> Heard:
    game = Tapped.of(reading, law)
    level_key, start_key, play_key = jax.random.split(key, 3)
    everyone = joint(policies)

    def act(keys: Any, **seen: Any) -> Any:
        return everyone(keys, params, **seen)

    inner = jax.vmap(reading.game.shuffled)(jax.random.split(level_key, episodes))
    live = start(start_key, game, policies, episodes, Tap(inner, *asked))
    after, steps = rollout(play_key, game, act, live, game.spec.max_length, reset=False)

    def heard(step: Any) -> tuple[Array, ...]:
        """One episode, leaves `[T, ...]`."""
        told, state = step.next_state, step.state.inner
        step = step._replace(state=state, next_state=told.inner)
        over = step.state.terminated | step.state.truncated
        spoke = told.spoke & ~over[:, None]
        answer = reading.answers(step, jax.vmap(reading.listener)(state))
        public, private = jax.vmap(reading.public)(state), jax.vmap(reading.private)(state)
        return spoke, public, private, told.sent, answer, reading.own(step)

    spoke, public, private, sent, answer, own = jax.vmap(heard, in_axes=1)(steps)
    return Heard(spoke, public, private, sent, answer, own, after.gained.mean(-1))


def talk_of(reading: Reading, heard: Heard) -> Talk:
    """The record of what was heard.

    Raises:
        InputError: nobody said anything.
    """
    if not heard.spoke.any():
        raise InputError(f"nobody said anything in {len(heard.returns)} episodes")
    episode, step, speaker = np.nonzero(heard.spoke)
    known = {"state": heard.private, "public": heard.public, "message": heard.sent}
    acts = {"answer": heard.answer, "own": heard.own}
    columns = {name: leaf[heard.spoke].astype(int) for name, leaf in (known | acts).items()}
    when = {"episode": episode, "step": step, "speaker": speaker}
    return Talk(reading.names(), reading.meaning(), **when, **columns, returns=heard.returns)


@functools.cache
def quiet(policy: Policy) -> Policy:
    """The policy without what it says beside its actions, so that policies of all kinds can play together."""

    def act(*given: Any, **named: Any) -> tuple[Carry, Any, Any]:
        carry, action, _ = policy.act(*given, **named)
        return carry, action, ()

    return Policy(policy.init_carry, act)


class Influence(NamedTuple):
    """What setting one message in each of E' episodes does to its listener, in bits, `[E']` each.

    Attributes:
        talk: the messages that were set, one in each episode.
        of_message: H(A) with messages as often as they are said where both know the same.
        of_any: H(A) with all messages that were tried alike.
        of_wording: H(A) with the wordings of the same claim; None where no claims are declared.
    """

    talk: Talk
    of_message: np.ndarray
    of_any: np.ndarray
    of_wording: np.ndarray | None


def influence(room: Room, talk: Talk, seed: int = 0) -> Influence:
    """Sets one message in each episode to each message in turn, up to `MOST_SET` of them."""
    chosen = one_each(talk, seed)
    often = np.bincount(talk.message, minlength=len(talk.names.messages))
    tried = np.sort(np.argsort(-often, kind="stable")[:MOST_SET])
    steps, who = np.full(room.episodes, NONE - 1), np.zeros(room.episodes, int)  # a step that never comes
    steps[chosen.episode], who[chosen.episode] = chosen.step, chosen.speaker
    answers = []
    for message in tried:
        law = room.natural._replace(by_message=np.eye(len(often) + 1, dtype=np.float32)[[message] * len(often)])
        heard = hear(room, law, steps, who)
        answers.append(heard.answer[chosen.episode, chosen.step, chosen.speaker])
    answer = np.stack(answers, axis=1)  # [E', tried]
    by_public = talk.counts().sum(1)[:, tried]
    says = shares(by_public[chosen.public])
    of_wording = None
    if talk.meaning is not None:
        same = talk.meaning.claim[tried] == talk.meaning.claim[chosen.message][:, None]
        of_wording = answered(shares(same), answer)
    alike = answered(np.full(answer.shape, 1 / len(tried)), answer)
    return Influence(chosen, answered(says, answer), alike, of_wording)


def answered(says: Float[np.ndarray, "N M"], answer: Int[np.ndarray, "N M"]) -> Float[np.ndarray, " N"]:
    """H(A) of each row, where message m is said with chance `says` and answered with `answer`."""
    alike = answer[:, :, None] == answer[:, None]  # [N, M, M]
    first = alike.argmax(2) == np.arange(answer.shape[1])
    return entropy(np.where(first, (alike * says[:, None]).sum(2), 0.0))
