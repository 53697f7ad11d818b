"""`bachview bench`: the speed budgets, measured on this machine.

Each benchmark is a module with one door, ``measure(say, folder)``, which yields a
`bench.result.Result` as soon as it is known. `say` shows one line of what is going on;
`folder` is the cache folder, where large inputs (phantom slides, the untrained bundle) are
made once and kept. What is compared is measured within one run, because absolute times
differ from machine to machine.
"""
