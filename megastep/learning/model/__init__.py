"""The policy: encoders of what is seen, an LSTM, and a distribution over actions."""
