"""φ: a pretrained image network, from pixels to named layers."""
