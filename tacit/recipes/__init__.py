"""Recipes: published results that one command reproduces. `RECIPES` names them as text; listing imports nothing."""

from tacit.registry import Entry

RECIPES = {
    "naive-ipd": Entry("tacit.recipes.naive_ipd:RECIPE", "naive learners defect in the iterated prisoner's dilemma"),
    "lola-ipd": Entry(
        "tacit.recipes.lola_ipd:RECIPE", "LOLA finds tit-for-tat; naive learners beside it (LOLA table 3)"
    ),
    "lola-imp": Entry("tacit.recipes.lola_imp:RECIPE", "LOLA finds the equilibrium of matching pennies (LOLA table 3)"),
    "lola-dice-ipd": Entry("tacit.recipes.lola_dice_ipd:RECIPE", "LOLA-DiCE from sampled play, 1 to 3 look-aheads"),
    "hola-ipd": Entry("tacit.recipes.hola_ipd:RECIPE", "higher orders of LOLA bring little (LOLA table 4)"),
    "sos-ipd": Entry(
        "tacit.recipes.sos_ipd:RECIPE", "stable opponent shaping cooperates; competitive gradient descent does not"
    ),
    "chicken": Entry("tacit.recipes.chicken:RECIPE", "cars and cyclists: who shapes goes straight, two shapers crash"),
    "rule-payoffs": Entry("tacit.recipes.rule_payoffs:RECIPE", "what naive learners and LOLA earn against each other"),
    "meva-ipd": Entry(
        "tacit.recipes.meva_ipd:RECIPE", "MeVa extorts naive learners, and cooperates with LOLA and with itself"
    ),
    "mfos-ipd": Entry(
        "tacit.recipes.mfos_ipd:RECIPE", "M-FOS extorts naive learners, and cooperates with those that shape"
    ),
    "mfos-imp": Entry("tacit.recipes.mfos_imp:RECIPE", "M-FOS wins matching pennies against those who learn"),
    "mfos-chicken": Entry("tacit.recipes.mfos_chicken:RECIPE", "M-FOS goes straight where others learn to swerve"),
    "mfos-self-play": Entry(
        "tacit.recipes.mfos_self_play:RECIPE", "two M-FOS agents cooperate, and a best response gains little"
    ),
    "population-ipd": Entry(
        "tacit.recipes.population_ipd:RECIPE", "what a population of learning rules adopts once M-FOS is among them"
    ),
    "cars-and-cyclists": Entry(
        "tacit.recipes.cars_and_cyclists:RECIPE", "iterated chicken: shapers go straight, learners swerve"
    ),
    "ppo-ipd": Entry("tacit.recipes.ppo_ipd:RECIPE", "independent PPO defects unconditionally"),
    "coin-mfos": Entry("tacit.recipes.coin_mfos:RECIPE", "M-FOS and Shaper against a PPO learner in the coin game"),
    "coin-ppo": Entry("tacit.recipes.coin_ppo:RECIPE", "independent PPO takes everybody's coins in the coin game"),
    "axelrod-first": Entry(
        "tacit.recipes.axelrod_first:RECIPE", "Axelrod's first tournament with re-created entrants, many times over"
    ),
    "coin-lola": Entry(
        "tacit.recipes.coin_lola:RECIPE", "LOLA-DiCE leaves more of the other's coins alone than naive learners do"
    ),
    "commons": Entry("tacit.recipes.commons:RECIPE", "naive learners use up a commons"),
    "tiny-obl-learned": Entry(
        "tacit.recipes.tiny_obl_learned:RECIPE", "networks climb the ladder of Off-Belief Learning on Tiny Hanabi"
    ),
    "tiny-obl": Entry("tacit.recipes.tiny_obl:RECIPE", "exact Off-Belief Learning climbs Tiny Hanabi level by level"),
    "pet-light": Entry(
        "tacit.recipes.pet_light:RECIPE", "self-play finds a code that strangers cannot read; OBL and OP do without"
    ),
    "levers": Entry(
        "tacit.recipes.levers:RECIPE", "runs of self-play cannot play with each other, and runs of Other-Play can"
    ),
    "small-hanabi-sp-xp": Entry(
        "tacit.recipes.small_hanabi_sp_xp:RECIPE",
        "self-play on small Hanabi: each run with its twin and with the others",
    ),
    "small-hanabi-op": Entry(
        "tacit.recipes.small_hanabi_op:RECIPE", "Other-Play by colors on small Hanabi, beside self-play"
    ),
    "small-hanabi-obl": Entry(
        "tacit.recipes.small_hanabi_obl:RECIPE", "Off-Belief Learning on small Hanabi, levels 1 to 3, exact beliefs"
    ),
    "small-hanabi-pqn": Entry(
        "tacit.recipes.small_hanabi_pqn:RECIPE", "forms of Q-learning on small Hanabi in about the same time, and PPO"
    ),
    "hanabi-obl": Entry(
        "tacit.recipes.hanabi_obl:RECIPE", "Off-Belief Learning on two-player Hanabi, levels 1 and 2, on a budget"
    ),
    "hanabi-ppo": Entry("tacit.recipes.hanabi_ppo:RECIPE", "two-player Hanabi by PPO, as far as the budget goes"),
    "repeated-levers": Entry(
        "tacit.recipes.repeated_levers:RECIPE", "strangers who see each other's pulls agree on a lever all the same"
    ),
    "dial-switch-3": Entry("tacit.recipes.dial_switch_3:RECIPE", "DIAL finds the best protocol of three prisoners"),
    "rial-switch-3": Entry("tacit.recipes.rial_switch_3:RECIPE", "RIAL finds a protocol, later than DIAL"),
    "switch-no-communication": Entry(
        "tacit.recipes.switch_no_communication:RECIPE", "three prisoners who see no switch"
    ),
    "dial-switch-4": Entry("tacit.recipes.dial_switch_4:RECIPE", "four prisoners: DIAL, RIAL, and no communication"),
    "communicators": Entry(
        "tacit.recipes.communicators:RECIPE", "prisoners who talk in real numbers: CommNet, IC3Net, TarMAC, and nobody"
    ),
    "phone-booth-discovery": Entry(
        "tacit.recipes.phone_booth_discovery:RECIPE", "a telephone that nobody pointed out is found"
    ),
    "phone-booth-utilization": Entry(
        "tacit.recipes.phone_booth_utilization:RECIPE", "a telephone is found, and then players learn what to say"
    ),
    "true-regret-game": Entry(
        "tacit.recipes.true_regret_game:RECIPE", "with true regret a curriculum of levels solves the game of regret"
    ),
    "fruit-choice": Entry(
        "tacit.recipes.fruit_choice:RECIPE", "replayed levels teach the wrong fruit, and SAMPLR the right one"
    ),
    "maze-small": Entry(
        "tacit.recipes.maze_small:RECIPE", "five curricula in small mazes, with equal steps to learn from"
    ),
    "maze-dr": Entry("tacit.recipes.maze_full:MAZE_DR", "domain randomization in mazes of 13 by 13 cells"),
    "maze-plr": Entry("tacit.recipes.maze_full:MAZE_PLR", "robust PLR in mazes of 13 by 13 cells"),
    "maze-accel": Entry("tacit.recipes.maze_full:MAZE_ACCEL", "ACCEL in mazes of 13 by 13 cells"),
    "maze-sfl": Entry("tacit.recipes.maze_full:MAZE_SFL", "SFL in mazes of 13 by 13 cells"),
    "maze-paired": Entry("tacit.recipes.maze_full:MAZE_PAIRED", "PAIRED in mazes of 13 by 13 cells"),
    "act-help-cartpole": Entry(
        "tacit.recipes.act_help_cartpole:RECIPE", "messages that say nothing new help PPO to learn"
    ),
    "act-disrupt-cartpole": Entry(
        "tacit.recipes.act_disrupt_cartpole:RECIPE", "messages that say nothing new are to keep PPO from learning"
    ),
    "act-help-pendulum": Entry("tacit.recipes.act_control:HELP_PENDULUM", "messages help PPO to swing a pendulum up"),
    "act-help-reacher": Entry("tacit.recipes.act_control:HELP_REACHER", "messages help PPO to reach with an arm"),
    "act-help-breakout": Entry(
        "tacit.recipes.act_control:HELP_BREAKOUT", "messages help PPO to play MinAtar's Breakout (needs gymnax)"
    ),
    "act-disrupt-pendulum": Entry(
        "tacit.recipes.act_control:DISRUPT_PENDULUM", "messages are to keep PPO from swinging a pendulum up"
    ),
    "act-disrupt-reacher": Entry(
        "tacit.recipes.act_control:DISRUPT_REACHER", "messages are to keep PPO from reaching with an arm"
    ),
    "act-disrupt-breakout": Entry(
        "tacit.recipes.act_control:DISRUPT_BREAKOUT", "messages are to keep PPO from MinAtar's Breakout (needs gymnax)"
    ),
    "act-backdoor-cartpole": Entry(
        "tacit.recipes.act_backdoor_cartpole:RECIPE", "messages steer a trained victim to goals of their own"
    ),
    "dial-color-digit": Entry(
        "tacit.recipes.dial_color_digit:RECIPE", "DIAL says the parity of a digit, worth more than its color"
    ),
    "dial-multi-step": Entry(
        "tacit.recipes.dial_multi_step:RECIPE", "DIAL spells a digit in four bits, at once or one a step"
    ),
    "tabular-immunity": Entry(
        "tacit.recipes.tabular_immunity:RECIPE", "messages change nothing, exactly, in learners that keep a table"
    ),
    "farbook-traders": Entry(
        "tacit.recipes.farbook_traders:RECIPE", "simple rules and PPO at an order book without talk"
    ),
    "audit-dial": Entry(
        "tacit.recipes.audit_dial:RECIPE", "what DIAL's messages carry: the declared meaning, or its opposite"
    ),
    "audit-prevention": Entry(
        "tacit.recipes.audit_prevention:RECIPE",
        "hidden codes by self-play, and what becomes of them if learned off-belief",
    ),
    "audit-planted": Entry(
        "tacit.recipes.audit_planted:RECIPE", "planted codes are found, honest speakers are not accused"
    ),
    "act-defenses": Entry(
        "tacit.recipes.act_defenses:RECIPE", "defenses against messages beside what is seen, on the cart and pole"
    ),
    "act-farbook": Entry(
        "tacit.recipes.act_farbook:RECIPE", "orders that never trade move traders who learned, and the price with them"
    ),
}
