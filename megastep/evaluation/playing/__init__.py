"""Playing of episodes: who acts, in which env, and what is recorded of it."""
