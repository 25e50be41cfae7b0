"""The victims of adversarial cheap talk as its public code has them: settings and updates by task.

`ORACLES` are the agents that learn what to say to a frozen victim (`tacit.evaluation.shaping`).

What these say nothing of is the same in all of them, and the default of `tacit.learners.victim`; discounts are those of
the games.

Source: Lu et al. 2023, Adversarial Cheap Talk (arXiv 2211.11030), the tables at the head of the public code's scripts.
"""

from tacit.learners.victim import Config

PRESETS = {
    "cart-pole": Config(),
    "pendulum": Config(lr=0.02, num_games=16, entropy_weight=0.005),
    "reacher": Config(lr=0.004, num_games=32, length=128, epochs=10, entropy_weight=5e-4, hidden=128, relu=True),
    "breakout": Config(lr=3e-4, num_games=64, length=128, epochs=32, hidden=256, relu=True),
}
UPDATES = {"cart-pole": 32, "pendulum": 128, "reacher": 256, "breakout": 1024}
ORACLES = PRESETS | {"cart-pole": Config(lr=0.02, entropy_weight=0.005)}
ORACLE_UPDATES = UPDATES | {"cart-pole": 64}
