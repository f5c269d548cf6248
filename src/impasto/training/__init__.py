"""Training networks with the losses of the optimiser: pictures to learn from, what is learnt, the loop."""
