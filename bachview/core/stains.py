"""Four stain-like colours that stand for the classes where there is no real tissue.

The phantom slide paints a region of a class so that its *mean* colour is the class's stain;
the self-test bundle predicts the class whose stain is nearest to a patch's mean colour. Neither
says anything about real tissue.
"""

#: Class key to (red, green, blue), each 0..255. Similar to H&E, far apart from each other
#: (Euclidean distance of at least 50 grey levels), and far enough from white to count as tissue.
STAIN_COLORS: dict[str, tuple[int, int, int]] = {
    "Normal": (238, 186, 205),  # pale pink
    "Benign": (198, 158, 216),  # lilac
    "InSitu": (176, 96, 150),  # mauve
    "Invasive": (98, 52, 132),  # deep purple
}
