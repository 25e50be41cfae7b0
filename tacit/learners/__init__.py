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
    "ppo": Entry(
        "tacit.learners.ppo", "proximal policy optimization: independent or shared, feed-forward or recurrent"
    ),
}

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
}
