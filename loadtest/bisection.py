"""The search for the highest rate that keeps a limit, without anything that makes load."""

import math


class Bisection:
    """Raises the rate (twofold, or by `step`) until it is too much, then halves the gap until it is within `precision`.

    It ends where `most` is kept: nobody asks for more. The gap is halved on a log scale. A rate is too much when it
    misses the limit twice in a row: once may be the machine's own hiccup. A step in which the generator fell
    behind its own schedule says nothing of the rate, so it is asked for again, `patience` times in all.
    """

    def __init__(
        self, rate: float, precision: float = 0.05, step: float = 2, most: float = math.inf, patience: int = 2
    ) -> None:
        self.rate, self.precision, self.step, self.most, self.patience = rate, precision, step, most, patience
        self.best = 0.0  # the highest rate that was kept
        self.broken = math.inf  # the lowest that was not
        self.misses, self.lapses = 0, 0  # of the row and of the generator, at this rate
        self.behind = False  # `broken` is the generator's doing

    def judge(self, kept: bool, behind: bool = False) -> None:
        kept = kept and not behind
        self.lapses += behind
        self.misses += not kept and not behind
        if not kept and self.misses < 2 and self.lapses < self.patience:
            return
        self.misses, self.lapses = 0, 0
        if kept:
            self.best = self.rate
        else:
            self.broken, self.behind = self.rate, behind
        if math.isinf(self.broken):
            self.rate = min(self.best * self.step, self.most)
        else:
            self.rate = math.sqrt(self.best * self.broken) if self.best else self.broken / self.step

    @property
    def done(self) -> bool:
        return self.rate < 1 or self.best >= self.most or self.broken <= self.best * (1 + self.precision)
