"""Throughput of kernels, envs, learning and the generator."""
