"""The public interface: open a slide, load an ensemble, classify, evaluate, train.

`import bachview` offers these names, each loaded when it is first used.
"""
