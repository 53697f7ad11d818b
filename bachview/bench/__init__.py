"""`bachview bench`: the speed budgets, measured on this machine.

Each benchmark is a module with one function ``measure(say, folder)``, which yields each
`bench.result.Result` as soon as it is known. `say` shows one line of progress; `folder` is the
cache folder, in which large inputs (phantom slides, the untrained bundle) are created once and
kept. Things that are compared are measured within the same run, because absolute times differ
between machines.
"""
