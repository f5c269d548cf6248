"""Σ w · d(s(φ)): statistics of features, distances between them, and their weighted sum with its gradient."""
