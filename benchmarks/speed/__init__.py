"""How fast kernels, envs, learning and the generator are."""
