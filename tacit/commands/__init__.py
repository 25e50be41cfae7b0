"""The evaluations that `tacit evaluate` offers. `EVALUATIONS` names them as text, so that listing them imports nothing.

Each module holds its options record, a `COMMAND` and `run(argv) -> exit status`, and imports nothing heavy before
`run` has read its command line.
"""

from tacit.registry import Entry

EVALUATIONS: dict[str, Entry] = {
    "payoffs": Entry("tacit.commands.payoffs", "learning rules against each other; what a population would adopt"),
    "evolution": Entry("tacit.commands.evolution", "which memory-one reasoning emerges from selection and mutation"),
    "tournament": Entry("tacit.commands.tournament", "everybody meets everybody, as in Axelrod's tournaments"),
    "cross-play": Entry("tacit.commands.cross_play", "do policies that never trained together play well together?"),
    "messages": Entry("tacit.commands.messages", "what messages carry, and whether it is what they say"),
    "chat": Entry("tacit.commands.chat", "a language model plays, with itself or others, and is written down"),
    "conventions": Entry("tacit.commands.conventions", "what Hanabi players tell each other that the rules do not"),
    "cheap-talk": Entry(
        "tacit.commands.cheap_talk", "whether talk that was bred for some victims works on others, too"
    ),
    "mazes": Entry("tacit.commands.mazes", "which mazes agents solve that they never saw, and on which ways"),
    "engine": Entry("tacit.commands.engine", "what policies score on the reference engine of Hanabi itself"),
}
