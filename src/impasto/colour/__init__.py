"""Colour spaces, and colours moved from one picture to another."""
