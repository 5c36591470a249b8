"""Interface of an env: batches of actions that come in, and states, pickles and pictures that go out."""
