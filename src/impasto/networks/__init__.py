"""Feed-forward networks: pictures in, pictures out, RGB in [0, 1] on both sides.

`cin` is the styliser, which paints in the style that a code names; `mobilenet` makes such a code of any
painting.
"""
