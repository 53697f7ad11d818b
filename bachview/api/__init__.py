"""The public door: open a slide, load an ensemble, classify, measure, train.

`import bachview` offers these names, each loaded when it is first used.
"""
