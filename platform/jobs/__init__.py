"""Background work: the ledger of jobs with leases, the worker that drains it, the schedule."""
