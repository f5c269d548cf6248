"""argmin: how pixels descend."""
