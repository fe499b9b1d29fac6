"""A sentence says what its run has shown, and no more: over many outcomes of every experiment."""

import math
import random
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from lab.experiments import BY_NAME, DEMO, EXPERIMENTS, Arm, Contrast, Experiment
from lab.experiments.outcomes import Outcome
from lab.experiments.sentences import Sentence, because, better, measured, not_better, worse
from lab.experiments.sentences import sentence as a_sentence
from lab.judge.figures import FIGURES
from lab.judge.judge import Cell, Finding, Judgement
from lab.judge.statistics import compare
from lab.judge.words import (
    finding_sentence,
    how_many,
    how_varied,
    listed,
    meaning,
    times,
    verdict_sentence,
)
from tests.unit.judgements import ALIKE, BETTER, OPEN, REFUSED, WORSE, Came, cells, judgement
from tests.unit.records import SPREAD, toy

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
    r"\(granian\)|[Oo]n granian": r".*-granian|(flask|fastapi)-http2",
    r"[Oo]n gunicorn": r".*-gunicorn(-http2)?",
    r"on gunicorn a bare application": r"wsgi-http2",
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
    r"as many streams as threads": ("8", "16"), r"from one client": ("1",), r"from 64": ("64",),
    r"with 16, 64 and 200 clients": ("16", "64", "200"),
}  # fmt: skip
DIFFER = re.compile(r"\b(more|less|fewer|longer|faster|slower|higher|lower|cost CPU)\b")
SAME = re.compile(
    r"\bas (much|many|long|high|soon|fast)\b|no difference|same rate|did not|no (more|less|faster|higher|longer)"
)


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
    # Simulated ratios are below 1: what needs a larger one has a test of its own, below.
    of_any_size = {each.outcome for each in experiment.sentences if not any(need.least for need in each.needs)}
    assert of_any_size <= said


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (1.4, 2.9, "more requests than Flask, but not three times the number"),
        (3.1, 3.5, "more than three times the requests of Flask"),
        (2.9, 3.1, ""),
    ],
)
def test_how_many_times_as_much_is_said_where_the_whole_interval_says_so(low: float, high: float, said: str) -> None:
    part = BY_NAME["published"]
    made = judgement(part, dict.fromkeys(cells(part), BETTER))
    sized = [
        replace(each, comparison=replace(each.comparison, low=low, high=high)) if each.comparison else each
        for each in made.findings
    ]
    sentence = verdict_sentence(replace(made, findings=tuple(sized)))
    assert said in sentence and ("three times" in sentence) == bool(said)


@pytest.mark.parametrize(("high", "hid"), [(0.09, True), (0.11, False)])
def test_a_stall_is_hidden_only_by_a_p99_of_less_than_a_tenth(high: float, hid: bool) -> None:
    part = BY_NAME["trap-closed-loop"]
    made = judgement(part, dict.fromkeys(cells(part), BETTER))
    [found] = made.findings
    assert found.comparison
    sized = replace(found, comparison=replace(found.comparison, low=0.05, high=high))
    assert ("hid the stall" in verdict_sentence(replace(made, findings=(sized,)))) == hid


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
    made = judgement(part, came)
    opened = "; ".join(finding_sentence(each) for each in made.findings[1:])
    assert verdict_sentence(made) == (
        f"What was measured does not decide it: a longer run may. Open: {opened}. "
        "Still possible: refuted or depends or no difference that matters. (fastapi / flask made no difference) "
        "Rule: all."
    )


def test_a_tie_makes_no_difference_and_contradicts_nothing() -> None:
    part = BY_NAME["basic-latency"]
    came: Came = {**dict.fromkeys(cells(part), ALIKE), ("flask-granian", "fastapi-granian", "p50_ms", ""): BETTER}
    said = verdict_sentence(judgement(part, came))
    assert "flask-granian / fastapi-granian agreed with the claim; flask / fastapi, " in said
    assert said.endswith("made no difference) Rule: one case.")
    assert "against" not in said and "contradicted" not in said


# Why it came out so


CAUSE = because("The threads are used up", measured("threads", "flask", most=16), measured("utilisation", "fastapi"))


def explained(values: dict[tuple[str, str], float], guess: str = "") -> str:
    """What is said of a Flask that served less, where the run has measured so much by arm and figure."""
    said = a_sentence("It served less.", worse("flask", "fastapi"), because=CAUSE, guess=guess)
    part = replace(toy(Contrast("flask", "fastapi", "throughput")), sentences=(said,))
    made = judgement(part, {("flask", "fastapi", "throughput", ""): WORSE})
    cells_ = {("", arm, figure): Cell(value) for (arm, figure), value in values.items()}
    return meaning(replace(made, cells=cells_))


def test_a_cause_is_said_with_the_figures_of_the_same_run() -> None:
    said = explained({("flask", "threads"): 9, ("fastapi", "utilisation"): 0.51})
    assert said == "It served less. The threads are used up (threads: flask 9; CPUs in use: fastapi 0.51)."


@pytest.mark.parametrize("threads", [17, math.nan, None])
def test_a_cause_is_not_said_where_its_figure_says_otherwise_or_is_missing(threads: float | None) -> None:
    values = {("fastapi", "utilisation"): 0.51} | ({} if threads is None else {("flask", "threads"): threads})
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


def test_a_comparison_that_can_no_longer_agree_is_said_not_to_and_that_is_all_a_sentence_needs() -> None:
    part = toy(Contrast("a", "c", "cpu_us"), Contrast("b", "c", "cpu_us"), arms=(Arm("a"), Arm("b"), Arm("c")))
    part = replace(part, sentences=(a_sentence("Only a cost less.", better("a", "c"), not_better("b", "c")),))
    near = compare([value - 1.0 + math.log(1.05) for value in SPREAD], 1)
    assert (near.outcome, near.ruled_out) == (OPEN, BETTER)
    one, other = judgement(part, {("a", "c", "cpu_us", ""): BETTER}).findings
    said = verdict_sentence(Judgement(part, (one, Finding(other.contrast, "", 6, near, near)), {}))
    assert said == "Only a cost less. (a / c agreed with the claim; b / c did not agree with it) Rule: all."


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
