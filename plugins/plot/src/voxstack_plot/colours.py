"""Colours that every kind of sight can tell apart: the palette of Okabe and Ito (2008), darkened for lines on white."""

INK = "#1a1a1a"
GREY = "#8a8a8a"
GRID = "#d9d9d9"
BLUE, ORANGE, GREEN, RED, PURPLE = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7"

LEVELS = "magma"
"""Colour map of levels: its lightness rises evenly."""
WEIGHTS = "Blues"
"""Colour map of weights from 0 to 1, dark on white."""

BLOCKS = {
    "sequence": ("#dcebf7", "#0072b2"),
    "streamable": ("#fdebd0", "#a65e00"),
    "network": ("#dbf1e8", "#007a59"),
    "group": ("none", "#8a8a8a"),
}
"""Fill and outline of the boxes of a graph, as in its SVG."""

CATEGORIES = {"block": BLUE, "network": ORANGE, "scheduler": GREEN, "wait": GREY}
"""Colours of the events of a trace."""
