"""Hostile input for every door of the program: ``make fuzz``.

Inputs are mutated seeds, drawn from a seeded generator, so that a run can be repeated. They are
not guided by coverage: atheris sees only Python code, and most of what can break here is in C
libraries (OpenSlide, SQLite, codecs), a crash of which would take atheris itself along. Each
child process takes a batch of inputs and says which one it begins, so a dead or hanging child
names its input.
"""
