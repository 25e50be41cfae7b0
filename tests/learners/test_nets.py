"""The networks' own layers are those of Equinox, computed in another order."""

import equinox as eqx
import jax
import numpy as np

from tacit import games, nets


def test_layers_are_those_of_equinox():
    layer, cell = eqx.nn.Linear(5, 3, key=jax.random.key(0)), eqx.nn.GRUCell(5, 4, key=jax.random.key(1))
    x, memory = jax.random.normal(jax.random.key(2), (5,)), jax.random.normal(jax.random.key(3), (4,))
    np.testing.assert_allclose(nets.affine(layer, x), layer(x), rtol=1e-5)
    np.testing.assert_allclose(nets.remember(cell, x, memory), cell(x, memory), rtol=1e-5)


def test_layers_may_be_rectified():
    layers = tuple(eqx.nn.Linear(4, 4, key=jax.random.key(k)) for k in range(3))
    x = y = jax.random.normal(jax.random.key(3), (4,))
    for layer in layers[:-1]:
        y = jax.numpy.maximum(layer(y), 0)
    np.testing.assert_allclose(nets.feed(layers, x, relu=True), layers[-1](y), rtol=1e-5)
    assert np.abs(nets.feed(layers, x) - nets.feed(layers, x, relu=True)).max() > 0.01


def test_guesses_come_from_what_the_actor_sees_last():
    game = games.make("hanabi-very-small")
    net = nets.actor_critic(jax.random.key(0), game.spec, 8, False, "a test", guesses=6)
    obs = game.observe(game.reset(jax.random.key(1)))[0]
    _, logits, value, guesses = net.guessing(obs, ())
    assert net.guess is not None
    seen = nets.through(net.actor[:-1], nets.flatten(obs))
    np.testing.assert_allclose(guesses, net.guess(seen), rtol=1e-5)
    np.testing.assert_allclose(logits, net.actor[-1](seen), rtol=1e-5)
    np.testing.assert_allclose(value, net(obs, ())[2])
    plain = nets.actor_critic(jax.random.key(0), game.spec, 8, False, "a test")
    assert plain.guessing(obs, ())[3].shape == (0,)
