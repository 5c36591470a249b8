"""Loops of a policy and an env are compiled around the env, whose kernels the compiler can't see into."""

import torch
from rollouts import make

from envs import Minimal


def test_a_loop_of_policy_and_env_compiles():
    env, policy = make(Minimal, num_envs=4, shortest=2, longest=3), torch.nn.Linear(64, 7)

    def act(observations):
        return policy(observations.flatten(1)).argmax(dim=-1)

    def loop():
        observations, _ = env.reset(seed=0)
        total = torch.zeros(4)
        for _ in range(4):
            observations, rewards, *_, info = env.step(act(observations))
            total = total + rewards + info['episode']['r']
        return total, observations

    graphs = []

    def backend(graph, examples):
        graphs.append(graph)
        return graph

    expected = loop()
    for got in [torch.compile(loop, backend=backend)() for _ in range(2)]:
        assert all(torch.equal(a, b) for a, b in zip(got, expected, strict=True))
    assert any('linear' in str(graph.graph) for graph in graphs)  # the policy is compiled
    torch._dynamo.reset()
