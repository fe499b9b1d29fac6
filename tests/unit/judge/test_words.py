"""A sentence says what its run has shown, and no more: over many outcomes of every experiment."""

import math
import random
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from lab.experiments import BY_NAME, DEMO, EXPERIMENTS, Arm, Contrast, Experiment
from lab.experiments.outcomes import Outcome, Verdict
from lab.experiments.sentences import Sentence, because, better, measured, not_better, worse
from lab.experiments.sentences import sentence as a_sentence
from lab.judge.figures import FIGURES
from lab.judge.gates import Checked
from lab.judge.judge import Cell, Finding, Judgement
from lab.judge.statistics import compare
from lab.judge.words import (
    ONE_SERVER,
    PLAIN,
    PLANTED,
    how_many,
    how_varied,
    listed,
    meaning,
    outcome,
    times,
    verdict_sentence,
)
from tests.unit.records import SPREAD, toy

BETTER, WORSE, ALIKE, OPEN = Outcome.BETTER, Outcome.WORSE, Outcome.NO_DIFFERENCE, Outcome.INCONCLUSIVE
REFUSED = None
Came = dict[tuple[str, str, str, str], Outcome | None]  # subject, baseline, figure, level: what came out
PARTS = [*EXPERIMENTS, *DEMO, *(each.in_short() for each in EXPERIMENTS)]
each_part = pytest.mark.parametrize("part", PARTS, ids=lambda part: f"{part.name}-{'-'.join(part.levels)}")
# What a text may mention, and the arms (or the level) that the run must then have measured.
ARMS = {
    r"FastAPI": r"fastapi.*|HTTP/2|await",
    r"Flask": r"flask.*",
    r"\b8 threads|\bon threads|\b8, 40|\b8 and 200|\b8 or (on 40|200)": r"flask( (wait|cpu|db|HTTP/2))?",
    r"\b40 (and 200 )?threads": r"flask-40",
    r"\b200 threads": r"flask-200( HTTP/2)?",
    r"greenlets": r"flask-gevent( (wait|cpu|db))?",
    r"sync worker": r"flask-sync",
    r"\(granian\)|[Oo]n granian": r".*-(granian|http2)",
    r"[Oo]n gunicorn": r".*-gunicorn",
    r"bare WSGI|without a framework|a framework and without": r"wsgi-granian",
    r"bare ASGI": r"asgi-granian",
    r"1,000 threads": r"flask-1000",
    r"pools of 4": r"flask-40-pool-4",
    r"\b32\b": r"flask-40-pool-32",
    r"nginx speaks HTTP/2": r"flask-http2",
    r"through nginx": r".* behind nginx",
    r"in `def`": r"(fastapi[ -])?def|fastapi-def",
    r"[Gg]unicorn's place": r"wsgi",
}
LEVELS = {
    r"\b16 clients": ("16",), r"\b64 clients": ("64",), r"1,000 clients": ("1000",), r"took 20 ms": ("20",),
    r"more clients than threads": ("16", "64"), r"\b8 streams": ("8",), r"four streams": ("4",),
    r"as many streams as threads": ("8", "16"),
}  # fmt: skip
DIFFER = re.compile(r"\b(more|less|fewer|longer|faster|slower|higher|lower|cost CPU)\b")
SAME = re.compile(
    r"\bas (much|many|long|high|soon|fast)\b|no difference|same rate|did not|no (more|less|faster|higher|longer)"
)


def judgement(part: Experiment, came: Came) -> Judgement:
    findings = []
    for level in part.levels:
        for contrast in part.contrasts:
            came_out = came.get((contrast.subject, contrast.baseline, contrast.figure, level), REFUSED)
            refused = (Checked("wrong answers", ("wrong",)),) if came_out is REFUSED else ()
            measured = None if came_out is REFUSED else compare(LOGS[came_out], 1)
            findings.append(Finding(contrast, level, 6, measured, measured, refused))
    return Judgement(part, tuple(findings), {})


LOGS = {
    BETTER: [value - 1.7 for value in SPREAD],
    WORSE: [value - 0.3 for value in SPREAD],
    ALIKE: [value - 1.0 for value in SPREAD],
    OPEN: [9 * (-1) ** place for place in range(6)],
}


def cells(part: Experiment) -> list[tuple[str, str, str, str]]:
    return [(each.subject, each.baseline, each.figure, level) for level in part.levels for each in part.contrasts]


def needed(sentence: Sentence, part: Experiment) -> dict[tuple[str, str, str, str], tuple[Outcome, ...]]:
    """What of this part the sentence needs, and how; written out."""
    deciding = {(each.subject, each.baseline): each.figure for each in part.contrasts if each.decides}
    return {
        (need.subject, baseline, need.figure or deciding.get((need.subject, baseline), "none"), level): need.outcomes
        for need in sentence.needs
        for baseline in need.baselines
        for level in need.levels or part.levels
    }


def simulated(part: Experiment) -> Iterator[Came]:
    """Outcomes by chance, each contrast alike at all levels, and around what every sentence needs."""
    chance = random.Random(11)
    outcomes = (BETTER, WORSE, ALIKE, OPEN, REFUSED)
    for _ in range(30):
        yield {cell: chance.choice(outcomes) for cell in cells(part)}
        alike = {cell[:3]: chance.choice(outcomes[:3]) for cell in cells(part)}
        yield {cell: alike[cell[:3]] for cell in cells(part)}
    for sentence in part.sentences:
        for _ in range(5):
            came = {cell: chance.choice(outcomes) for cell in cells(part)}
            came |= {cell: chance.choice(those) for cell, those in needed(sentence, part).items() if cell in came}
            yield came
            yield came | {chance.choice(cells(part)): chance.choice(outcomes)}


def conclusion(part: Experiment, said: str) -> str:
    """The hand-written sentence at the head of what was said; none where it was made of the findings."""
    return next((each.outcome for each in part.sentences if said.startswith(each.outcome)), "")


@each_part
def test_a_sentence_mentions_no_arm_and_no_level_that_the_run_has_not_decided(part: Experiment) -> None:
    for came in simulated(part):
        text = conclusion(part, verdict_sentence(judgement(part, came)))
        decided = [cell for cell, came_out in came.items() if came_out in (BETTER, WORSE, ALIKE)]
        for mention, arms in ARMS.items():
            if re.search(mention, text):
                assert any(re.fullmatch(arms, arm) for cell in decided for arm in cell[:2]), (text, mention)
        for mention, levels in LEVELS.items():
            if re.search(mention, text):
                assert set(levels) <= {cell[3] for cell in decided}, (text, mention)


@each_part
def test_a_sentence_is_not_said_where_anything_that_it_needs_came_out_otherwise(part: Experiment) -> None:
    for came in simulated(part):
        text = conclusion(part, verdict_sentence(judgement(part, came)))
        for sentence in part.sentences:
            if sentence.outcome == text:
                assert all(came.get(cell) in those for cell, those in needed(sentence, part).items()), text


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda each: each.name)
def test_what_a_sentence_mentions_it_needs_and_it_needs_what_its_comparing_words_say(experiment: Experiment) -> None:
    for sentence in experiment.sentences:
        needs = needed(sentence, experiment)
        assert needs.keys() <= set(cells(experiment)), sentence.outcome
        arms = {arm for cell in needs for arm in cell[:2]}
        for mention, wanted in ARMS.items():
            if re.search(mention, sentence.outcome):
                assert any(re.fullmatch(wanted, arm) for arm in arms), (sentence.outcome, mention)
        for mention, levels in LEVELS.items():
            if re.search(mention, sentence.outcome):
                assert set(levels) <= {cell[3] for cell in needs}, (sentence.outcome, mention)
        wants = {one for those in needs.values() for one in those}
        assert bool(SAME.search(sentence.outcome)) == (ALIKE in wants), sentence.outcome
        differ = SAME.sub("", re.sub(r"no (more|less) than [\d,]+", "", sentence.outcome))
        assert not DIFFER.search(differ) or wants & {BETTER, WORSE}, sentence.outcome


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda each: each.name)
def test_every_sentence_is_said_by_some_run(experiment: Experiment) -> None:
    parts = [part for part in PARTS if part.name == experiment.name]
    said = {conclusion(part, verdict_sentence(judgement(part, came))) for part in parts for came in simulated(part)}
    assert {sentence.outcome for sentence in experiment.sentences} <= said


@each_part
def test_what_is_made_of_the_findings_says_of_each_how_it_came_out(part: Experiment) -> None:
    pattern = re.compile(
        rf"(?:by (.+?): )?(.+?) / (.+?)(?: at (.+?) (?:{part.varied or '-'}|{part.varied_one or '-'}))?"
    )
    for came in simulated(part):
        made = judgement(part, came)
        said = verdict_sentence(made).removeprefix(conclusion(part, verdict_sentence(made)))
        contrasts = {
            (each.subject, each.baseline, FIGURES[each.figure].metric.what): each
            for each in part.contrasts
            if each.decides
        }
        by = FIGURES[next(iter(contrasts.values())).figure].metric.what
        for group, how in re.findall(r"[(;] ?([^();]+?) (agreed with|contradicted|made no difference)", said):
            for each in re.split(r", (?=[^,]+ / )", group):
                read = pattern.fullmatch(each)
                assert read, (said, each)
                by = read[1] or by
                contrast = contrasts[read[2], read[3], by]
                for level in re.split(r", | and ", read[4]) if read[4] else part.levels:
                    came_out = came[contrast.subject, contrast.baseline, contrast.figure, level]
                    holds = came_out == contrast.claimed
                    assert came_out in (BETTER, WORSE, ALIKE)
                    assert how == (
                        "agreed with" if holds else "made no difference" if came_out == ALIKE else "contradicted"
                    )


# Three sentences that were false


def test_a_quick_run_of_one_delay_does_not_speak_of_another() -> None:
    part = BY_NAME["io-bound"].in_short()
    for came in simulated(part):
        assert not re.search(r"\b[015] ms", verdict_sentence(judgement(part, came)))


def test_pools_that_came_out_alike_are_not_said_to_fall_behind() -> None:
    part = BY_NAME["high-load"]
    came: Came = {**dict.fromkeys(cells(part), OPEN), ("fastapi", "flask", "capacity", ""): ALIKE}
    said = verdict_sentence(judgement(part, came))
    assert said.startswith(PLAIN[Verdict.INCONCLUSIVE])
    assert said.endswith(" (fastapi / flask made no difference)")


def test_a_tie_makes_no_difference_and_contradicts_nothing() -> None:
    part = BY_NAME["basic-latency"]
    came: Came = {**dict.fromkeys(cells(part), ALIKE), ("flask-granian", "fastapi-granian", "p50_ms", ""): BETTER}
    said = verdict_sentence(judgement(part, came))
    assert "flask-granian / fastapi-granian agreed with the claim; flask / fastapi, " in said
    assert said.endswith("made no difference) Rule: one case.")
    assert "against" not in said and "contradicted" not in said


# Why it came out so


CAUSE = because("The threads are used up", measured("threads", "flask", most=16), measured("cpus", "fastapi"))


def explained(values: dict[tuple[str, str], float], guess: str = "") -> str:
    """What is said of a Flask that served less, where the run has measured so much by arm and figure."""
    said = a_sentence("It served less.", worse("flask", "fastapi"), because=CAUSE, guess=guess)
    part = replace(toy(Contrast("flask", "fastapi", "throughput")), sentences=(said,))
    made = judgement(part, {("flask", "fastapi", "throughput", ""): WORSE})
    cells_ = {("", arm, figure): Cell(value) for (arm, figure), value in values.items()}
    return meaning(replace(made, cells=cells_))


def test_a_cause_is_said_with_the_figures_of_the_same_run() -> None:
    said = explained({("flask", "threads"): 9, ("fastapi", "cpus"): 0.51})
    assert said == "It served less. The threads are used up (threads: flask 9; CPUs used: fastapi 0.51)."


@pytest.mark.parametrize("threads", [17, math.nan, None])
def test_a_cause_is_not_said_where_its_figure_says_otherwise_or_is_missing(threads: float | None) -> None:
    values = {("fastapi", "cpus"): 0.51} | ({} if threads is None else {("flask", "threads"): threads})
    assert explained(values) == "It served less."


def test_a_guess_is_called_one() -> None:
    said = explained({}, guess="The lock is contended.")
    assert said == "It served less. A guess, which this run has not measured: The lock is contended."


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda each: each.name)
def test_no_outcome_explains_itself_and_every_cause_names_figures_and_arms_of_its_experiment(
    experiment: Experiment,
) -> None:
    names = {arm.name for arm in experiment.arms}
    for each in experiment.sentences:
        assert not re.search(r"\b([Pp]robably|because|decides)\b", each.outcome), each.outcome
        for figure in each.because.figures if each.because else ():
            assert figure.figure in FIGURES and set(figure.arms) <= names
            assert set(figure.levels) <= experiment.levels.keys()


# What is no conclusion


def test_an_open_or_refused_run_draws_no_conclusion() -> None:
    part = BY_NAME["one-at-a-time"]
    came: Came = dict.fromkeys(cells(part), BETTER)
    first = cells(part)[0]
    assert verdict_sentence(judgement(part, came | {first: OPEN})).startswith(PLAIN[Verdict.INCONCLUSIVE])
    assert verdict_sentence(judgement(part, dict.fromkeys(came, REFUSED))) == PLAIN[Verdict.REFUSED]


def test_a_longer_run_is_not_promised_at_the_end_of_the_plan() -> None:
    one = BY_NAME["one-at-a-time"]
    opened = judgement(one, dict.fromkeys(cells(one), OPEN))
    measured_on = [replace(each, pairs=32) for each in opened.findings]
    said = verdict_sentence(replace(opened, findings=tuple(measured_on)))
    assert said.startswith("What was measured does not decide it, in 32 rounds, where the plan ends.")
    some = [replace(measured_on[0], pairs=31), *measured_on[1:]]
    assert "a longer run may" in verdict_sentence(replace(opened, findings=tuple(some)))


def test_an_open_verdict_says_which_comparison_is_open_with_its_figures_and_what_is_still_possible() -> None:
    part = BY_NAME["streams"]
    came: Came = dict.fromkeys(cells(part), BETTER)
    said = verdict_sentence(judgement(part, came | {cells(part)[0]: OPEN}))
    assert re.fullmatch(
        re.escape(PLAIN[Verdict.INCONCLUSIVE])
        + r" Open: fastapi has 1\.00 times the neighbour's p95 of flask \(95 % interval [^)]*\): inconclusive[^.]*\."
        r" Still possible: supported or depends\."
        r" \(fastapi / flask-200, fastapi / flask-gevent, fastapi-granian / flask-granian agreed with the claim\)",
        said,
    )


def test_an_open_verdict_of_which_anything_may_become_says_only_that_it_is_open() -> None:
    said = verdict_sentence(judgement(BY_NAME["streams"], dict.fromkeys(cells(BY_NAME["streams"]), OPEN)))
    assert said == PLAIN[Verdict.INCONCLUSIVE]


@pytest.mark.parametrize("came_out", [BETTER, OPEN, ALIKE])
def test_of_one_server_alone_no_more_rounds_are_promised(came_out: Outcome) -> None:
    part = BY_NAME["cpu-neighbour"].only(["flask-granian", "fastapi-granian"], [""])
    assert verdict_sentence(judgement(part, dict.fromkeys(cells(part), came_out))).startswith(ONE_SERVER)


@pytest.mark.parametrize("pairs", [8, 32])
def test_an_open_verdict_says_that_a_part_of_it_was_refused(pairs: int) -> None:
    one = BY_NAME["one-at-a-time"]
    first, *others = cells(one)
    for came, said in (({first: REFUSED}, True), ({}, False)):
        opened = judgement(one, dict.fromkeys(others, OPEN) | {first: OPEN} | came)
        opened = replace(opened, findings=tuple(replace(each, pairs=pairs) for each in opened.findings))
        assert opened.verdict == Verdict.INCONCLUSIVE
        assert ("the gates refused some" in verdict_sentence(opened)) == said


def test_a_longer_run_is_not_promised_to_decide_what_the_gates_have_refused() -> None:
    part = BY_NAME["high-load"].only(["flask", "fastapi", "flask-40-pool-32", "fastapi-pool-32"], [""])
    one, other = cells(part)
    said = verdict_sentence(judgement(part, {one: ALIKE, other: REFUSED}))
    assert said == (
        "The gates refused what could decide it. Still possible: refuted or depends or no difference that matters. "
        "(fastapi / flask made no difference)"
    )
    assert "longer" in verdict_sentence(judgement(part, {one: OPEN, other: REFUSED}))


def test_a_comparison_that_can_no_longer_agree_is_said_not_to_and_that_is_all_a_sentence_needs() -> None:
    part = toy(Contrast("a", "c", "cpu_us"), Contrast("b", "c", "cpu_us"), arms=(Arm("a"), Arm("b"), Arm("c")))
    part = replace(part, sentences=(a_sentence("Only a cost less.", better("a", "c"), not_better("b", "c")),))
    near = compare([value - 1.0 + math.log(1.05) for value in SPREAD], 1)
    assert (near.outcome, near.ruled_out) == (OPEN, BETTER)
    one, other = judgement(part, {("a", "c", "cpu_us", ""): BETTER}).findings
    said = verdict_sentence(Judgement(part, (one, Finding(other.contrast, "", 6, near, near)), {}))
    assert said == "Only a cost less. (a / c agreed with the claim; b / c did not agree with it) Rule: all."


def test_one_server_is_said_to_be_too_few_for_an_interface() -> None:
    part = BY_NAME["cpu-bound"].only(["flask-granian", "fastapi-granian"], [""])
    said = verdict_sentence(judgement(part, dict.fromkeys(cells(part), BETTER)))
    assert said.startswith("One server says nothing of the interface")


def test_a_planted_fault_that_was_refused_is_said_to_be_planted() -> None:
    assert verdict_sentence(judgement(BY_NAME["trap-generator"], {})) == PLANTED


def test_a_run_that_was_stopped_before_its_first_look_has_no_verdict() -> None:
    part = BY_NAME["basic-cost"]
    stopped = Judgement(part, tuple(Finding(each, "", 3) for each in part.contrasts), {})
    assert (stopped.verdict, outcome(stopped.findings[0])) == (Verdict.TOO_SHORT, "too few pairs")
    assert "too short to say anything" in verdict_sentence(stopped)


def test_one_is_singular_and_lists_are_read_as_people_say_them() -> None:
    assert [how_many(number, "experiment") for number in (0, 1, 2)] == [
        "0 experiments",
        "1 experiment",
        "2 experiments",
    ]
    assert [listed(["4", "8", "16"][:count]) for count in (1, 2, 3)] == ["4", "4 and 8", "4, 8 and 16"]


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda each: each.name)
def test_a_single_level_is_singular_too(experiment: Experiment) -> None:
    assert bool(experiment.varied_one) == ("1" in experiment.levels)
    assert not how_varied(experiment, ["1"]).startswith("1 queries")


@pytest.mark.parametrize(
    ("value", "said"), [(0.000074, "0.000074"), (0.0512, "0.051"), (0.5, "0.50"), (99.4, "99.40"), (7438.4, "7,438")]
)
def test_a_ratio_is_said_without_an_exponent(value: float, said: str) -> None:
    assert times(value) == said
