"""The four stain-like colours that stand for the classes where no tissue is at hand.

The phantom slide paints a region of a class so that its *mean* colour is the class's stain;
the self-test bundle names the class whose stain is nearest to a patch's mean colour. Neither
says anything of real tissue.
"""

#: Class key to (red, green, blue), each 0..255. Like H&E, far apart from each other (at least
#: 50 grey levels in Euclidean distance), and all far enough from white to be taken as tissue.
STAIN_COLORS: dict[str, tuple[int, int, int]] = {
    "Normal": (238, 186, 205),  # pale pink
    "Benign": (198, 158, 216),  # lilac
    "InSitu": (176, 96, 150),  # mauve
    "Invasive": (98, 52, 132),  # deep purple
}
