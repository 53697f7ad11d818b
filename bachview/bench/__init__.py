"""`bachview bench`: the speed budgets, measured on this machine."""
