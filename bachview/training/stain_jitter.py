"""Haematoxylin and eosin in optical density."""

from typing import Final

import numpy as np

_AMOUNTS = np.array([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11], [0.27, 0.57, 0.78]], np.float32)

#: Rows of length 1: haematoxylin, eosin, residual, as optical density in R, G, B (Ruifrok and
#: Johnston, Anal Quant Cytol Histol 23:291, 2001).
STAIN_VECTORS: Final = _AMOUNTS / np.linalg.norm(_AMOUNTS, axis=1, keepdims=True)
