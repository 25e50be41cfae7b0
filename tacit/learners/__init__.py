"""Learning rules, one to a file, and scripted players. The registries are text: listing them imports nothing."""

from tacit.registry import Entry

LEARNERS = {
    "naive": Entry("tacit.learners.naive", "gradient ascent on the own value, in closed form"),
    "lola": Entry("tacit.learners.lola", "shapes the opponent's next step, in closed form (three forms)"),
    "hola": Entry("tacit.learners.hola", "higher-order LOLA, in closed form"),
    "sos": Entry("tacit.learners.sos", "stable opponent shaping, in closed form"),
    "cgd": Entry("tacit.learners.cgd", "competitive gradient descent, in closed form"),
    "naive-pg": Entry("tacit.learners.naive_pg", "policy gradient from sampled play"),
    "lola-dice": Entry("tacit.learners.lola_dice", "LOLA from sampled play, with DiCE; opponent modeling as an option"),
    "mfos": Entry("tacit.learners.mfos", "M-FOS: learns over many meta-episodes how to shape a learner, or itself"),
    "mfos-ga": Entry("tacit.learners.mfos_ga", "M-FOS by a genetic algorithm: trial and selection, no gradient"),
    "mfos-recurrent": Entry(
        "tacit.learners.mfos_recurrent", "M-FOS and Shaper from sampled play: learn how to shape a learner such as ppo"
    ),
    "meva": Entry("tacit.learners.meva", "meta-value learning: climbs the worth of both players' learning to come"),
    "m-maml": Entry("tacit.learners.m_maml", "the start from which naive learning does best against a learner"),
    "joint-action": Entry(
        "tacit.learners.joint_action", "chooses joint actions of a lever game, by self-play or by Other-Play"
    ),
    "ppo": Entry(
        "tacit.learners.ppo", "proximal policy optimization: independent or shared, feed-forward or recurrent"
    ),
    "pqn": Entry(
        "tacit.learners.pqn", "Q-learning from play: alone or as a team (VDN), with or without memory and replay"
    ),
    "tables": Entry(
        "tacit.learners.tables", "a row for each thing seen: Q-learning, SARSA, Monte Carlo, policy gradient"
    ),
    "dial": Entry("tacit.learners.dial", "messages that carry gradients back to their senders (DIAL)"),
    "rial": Entry("tacit.learners.dial:Rial", "messages that are actions, learned from rewards alone (RIAL)"),
    "communicator": Entry(
        "tacit.learners.communicator",
        "talk in real numbers, learned by PPO: CommNet, TarMAC's attention, IC3Net's gate",
    ),
    "ctdu": Entry("tacit.learners.ctdu", "finds a channel that nobody pointed out, and then learns to use it"),
    "exact-pg": Entry(
        "tacit.learners.exact_pg", "policy gradient on the exact return of two-step games; Other-Play as an option"
    ),
    "obl": Entry(
        "tacit.learners.obl", "Off-Belief Learning from play, level by level; beliefs exact, sampled or learned"
    ),
    "curriculum": Entry(
        "tacit.learners.curriculum",
        "PPO on the levels worth most: domain randomization, PLR, ACCEL, SFL, SAMPLR",
    ),
    "paired": Entry(
        "tacit.learners.paired", "a teacher builds levels that one student solves and the other does not (PAIRED)"
    ),
    "victim": Entry("tacit.learners.victim", "PPO on normalized observations, as the victims of cheap talk learn"),
    "act": Entry("tacit.learners.act", "adversarial cheap talk: what to say to a learner to help, disrupt or steer it"),
    "exact-obl": Entry("tacit.learners.exact_obl", "Off-Belief Learning by backward induction in two-step games"),
}

SAMPLED_SHAPERS = ("mfos-recurrent",)
"""Those of `SHAPERS` whose meta-game is sampled: the other rule learns from play, and what they learn plays there."""

SHAPERS = ("mfos", "mfos-ga", "m-maml", "meva", *SAMPLED_SHAPERS)
"""Learners whose game is a meta-game: they learn from whole runs of another rule's learning (`--against`)."""

TALKERS = ("communicator",)
"""Learners that bring a line of their own to a game: what they learn is that game with it (`wired` of their module)."""

EXECUTED = ("dial", "rial", "ctdu")
"""Learners whose policies are handed on as they are executed: they draw nothing, and cannot be made greedier."""

PLAYERS = {
    "always-cooperate": Entry("tacit.learners.scripted:ALWAYS_COOPERATE", "C, whatever happens"),
    "always-defect": Entry("tacit.learners.scripted:ALWAYS_DEFECT", "D, whatever happens"),
    "random": Entry("tacit.learners.scripted:RANDOM", "C or D by the toss of a coin"),
    "tit-for-tat": Entry("tacit.learners.scripted:TIT_FOR_TAT", "C first, then what the other did last"),
    "suspicious-tit-for-tat": Entry("tacit.learners.scripted:SUSPICIOUS_TIT_FOR_TAT", "tit-for-tat that starts with D"),
    "generous-tit-for-tat": Entry(
        "tacit.learners.scripted:GENEROUS_TIT_FOR_TAT", "tit-for-tat that forgives one time in three"
    ),
    "anti-tit-for-tat": Entry(
        "tacit.learners.scripted:ANTI_TIT_FOR_TAT", "C first, then the opposite of what the other did last"
    ),
    "win-stay-lose-shift": Entry(
        "tacit.learners.scripted:WIN_STAY_LOSE_SHIFT", "Pavlov: stays after a good round, changes after a bad one"
    ),
    "joss": Entry("tacit.learners.scripted:JOSS", "tit-for-tat that defects one time in ten where it should not"),
    "firm-but-fair": Entry("tacit.learners.scripted:FIRM_BUT_FAIR", "forgives mutual defection two times in three"),
    "stubborn": Entry("tacit.learners.scripted:STUBBORN", "tosses a coin at the start and stays with it"),
    "alternator": Entry("tacit.learners.scripted:ALTERNATOR", "C, D, C, D, ..."),
    "extortion-2": Entry(
        "tacit.learners.scripted:EXTORTION_2", "zero-determinant extortion: twice the other's surplus"
    ),
    "extortion-3": Entry(
        "tacit.learners.scripted:EXTORTION_3", "zero-determinant extortion: three times the other's surplus"
    ),
    "grudger": Entry("tacit.learners.scripted:GRUDGER", "C until the other defects once, then D for ever (Friedman)"),
    "tit-for-two-tats": Entry("tacit.learners.scripted:TIT_FOR_TWO_TATS", "D after two defections in a row"),
    "go-by-majority": Entry("tacit.learners.scripted:GO_BY_MAJORITY", "D once the other has defected in most rounds"),
    "hard-go-by-majority": Entry(
        "tacit.learners.scripted:HARD_GO_BY_MAJORITY", "D at the start and while C is not the other's majority"
    ),
    "tideman-and-chieruzzi": Entry(
        "tacit.learners.axelrod_first:TIDEMAN_AND_CHIERUZZI",
        "punishes longer each time; fresh start when ahead",
    ),
    "nydegger": Entry("tacit.learners.axelrod_first:NYDEGGER", "looks up the last three rounds in a table of 64"),
    "grofman": Entry("tacit.learners.axelrod_first:GROFMAN", "C two times in seven after unlike actions, else C"),
    "shubik": Entry("tacit.learners.axelrod_first:SHUBIK", "retaliates, each time for a turn longer"),
    "stein-and-rapoport": Entry(
        "tacit.learners.axelrod_first:STEIN_AND_RAPOPORT", "tit-for-tat, but D to who looks random and at the end"
    ),
    "davis": Entry("tacit.learners.axelrod_first:DAVIS", "C ten times, then D for ever if the other ever defected"),
    "graaskamp": Entry(
        "tacit.learners.axelrod_first:GRAASKAMP", "tit-for-tat with a probe; then D to who looks random, D now and then"
    ),
    "downing": Entry("tacit.learners.axelrod_first:DOWNING", "maximizes its payoff against the other's frequencies"),
    "feld": Entry("tacit.learners.axelrod_first:FELD", "tit-for-tat that returns C ever less often, at last half"),
    "tullock": Entry("tacit.learners.axelrod_first:TULLOCK", "C eleven times, then a tenth less often than the other"),
    "anonymous": Entry("tacit.learners.axelrod_first:ANONYMOUS", "C with a fresh probability between 0.3 and 0.7"),
}

HANABI_BOTS = {
    "random-legal": Entry("tacit.learners.hanabi_bots:RANDOM_LEGAL", "Hanabi: any legal move"),
    "cautious": Entry("tacit.learners.hanabi_bots:CAUTIOUS", "Hanabi: plays what is certain, discards at random"),
    "iggi": Entry("tacit.learners.hanabi_bots:IGGI", "Hanabi: plays what is certain, discards the oldest card"),
    "piers": Entry("tacit.learners.hanabi_bots:PIERS", "Hanabi: iggi that takes a chance of 60 % while lives last"),
    "flawed": Entry("tacit.learners.hanabi_bots:FLAWED", "Hanabi: plays on a chance of 25 %, hints at random"),
    "van-den-bergh": Entry(
        "tacit.learners.hanabi_bots:VAN_DEN_BERGH", "Hanabi: takes chances, hints much, discards what is likely useless"
    ),
    "rank-convention": Entry(
        "tacit.learners.hanabi_bots:RANK_CONVENTION", "Hanabi: a rank told means: play the newest of these cards"
    ),
    "color-convention": Entry(
        "tacit.learners.hanabi_bots:COLOR_CONVENTION", "Hanabi: a color told means: play the newest of these cards"
    ),
}
"""Scripted players of Hanabi; all others play matrix games."""

PLAYERS |= HANABI_BOTS

TRADERS = {
    "trade-at-random": Entry("tacit.learners.traders:TRADE_AT_RANDOM", "order book: sells, holds or buys at random"),
    "holder": Entry("tacit.learners.traders:HOLDER", "order book: never trades"),
    "buyer": Entry("tacit.learners.traders:BUYER", "order book: buys up to its limit, and keeps that"),
    "imbalance-trader": Entry(
        "tacit.learners.traders:IMBALANCE_TRADER",
        "order book: buys where the queue of bids is three times that of asks",
    ),
    "flow-trader": Entry(
        "tacit.learners.traders:FLOW_TRADER", "order book: goes with the mean of recent market orders"
    ),
}
"""Scripted players of the order book."""

PLAYERS |= TRADERS
