"""Beyond these a test says more of its generator than of the rows: for the suite's warnings and the judge's gates."""

GENERATOR_LIMIT = 0.85  # of a CPU per process; above it a test measures Locust
LATE_LIMIT = 0.01  # of the starts of a schedule
ERRORS_LIMIT = 0.01  # of the answers of a row; with more of them wrong it is not compared
