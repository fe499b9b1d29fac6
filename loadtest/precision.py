"""Response times to three significant digits, wherever Locust shows or writes them.

Locust keeps a histogram per request name and rounds times for it to two digits, below 10 ms to whole
milliseconds; its console and CSV cut to whole milliseconds again. Three digits keep every percentile within
0.5 %, and histograms of several workers still merge exactly. The functions replaced here are Locust's seams
for formatting; tests/unit holds them against the installed version.
"""

from typing import Any

import locust.stats
from locust.stats import StatsCSV, StatsEntry

WIDTH = 7  # of a time in the console


def three_digits(ms: float, digits: int = 0) -> float:
    return float(f"{ms:.3g}")


def shown(ms: float | None) -> str:
    """A time as people read it: three digits, no exponent."""
    ms = three_digits(ms or 0)
    return f"{ms:.0f}" if ms >= 100 else f"{ms:.1f}" if ms >= 10 else f"{ms:.2f}" if ms >= 1 else f"{ms:.3f}"


def summary_line(self: StatsEntry, current: bool = True) -> str:
    """StatsEntry.to_string: a line of the table with averages."""
    per_s = self.current_rps if current else self.total_rps
    failed_per_s = self.current_fail_per_sec if current else self.total_fail_per_sec
    name_width = locust.stats.STATS_NAME_WIDTH - locust.stats.STATS_TYPE_WIDTH + 4
    failures = f"{self.num_failures}({self.fail_ratio:.2%})"
    times = (self.avg_response_time, self.min_response_time, self.max_response_time, self.median_response_time)
    columns = " ".join(f"{shown(ms):>{WIDTH}}" for ms in times)
    return (
        f"{self.method or '':<{locust.stats.STATS_TYPE_WIDTH}} {self.name:<{name_width}} {self.num_requests:>7} "
        f"{failures:>12} |{columns} | {per_s:>7.2f} {failed_per_s:>11.2f}"
    )


def percentile_line(self: StatsEntry) -> str:
    """StatsEntry.percentile: a line of the table with percentiles."""
    times = (self.get_response_time_percentile(share) for share in locust.stats.PERCENTILES_TO_REPORT)
    columns = " ".join(f"{shown(ms):>6}" for ms in times)
    name = f"{self.name:<{locust.stats.STATS_NAME_WIDTH}}"
    return f"{self.method or '':<{locust.stats.STATS_TYPE_WIDTH}} {name} {self.num_requests:>8} {columns}"


def csv_percentiles(self: StatsCSV, entry: StatsEntry, use_current: bool = False) -> list[Any]:
    """StatsCSV._percentile_fields, without its int()."""
    if not entry.num_requests:
        return self.percentiles_na
    use_current = use_current and entry.use_response_times_cache
    take = entry.get_current_response_time_percentile if use_current else entry.get_response_time_percentile
    return [take(share) or 0 for share in self.percentiles_to_report]


def install() -> None:
    """For this process; the master and every worker need it."""
    vars(locust.stats).update(bucket_response_time=three_digits, proper_round=three_digits)
    for owner, name, function in (
        (StatsEntry, "to_string", summary_line),
        (StatsEntry, "percentile", percentile_line),
        (StatsCSV, "_percentile_fields", csv_percentiles),
    ):
        assert hasattr(owner, name), f"Locust has no {owner.__name__}.{name} any more"
        setattr(owner, name, function)
