"""The extractive model: scores the sentences of the passages and streams the best, each with its citation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence

from webchatagent.core.api import CannotAnswer, ModelEvent, ModelInfo, ModelRequest, TextDelta, stems

from .phrases import INTRODUCTION, LANGUAGE_NAMES, small_talk
from .sentences import AS_NEAR, ENOUGH, MOST, RANK_DECAY, SECOND_MORE, Sentence, cut, score, value, weigh

PACE_SECONDS = 0.012
"""Between words when somebody reads along: an answer that grows is easier to follow than one that jumps."""


class OfflineModel:
    """Answers in the words of the sources; refuses when they hold nothing of the question."""

    info = ModelInfo("offline", "Offline answers", local=True, quotes=True)

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        """See ChatModel.stream. Words leave one by one, so that a reader sees an answer grow."""
        chosen = choose(request)
        if not chosen:
            phrase = small_talk(str(request.question), request.language)
            if phrase is None:
                yield CannotAnswer()
                return
            yield TextDelta(phrase, fixed=True)
            return
        theirs = request.passages[chosen[0].passage - 1].language
        if theirs != request.language and theirs in LANGUAGE_NAMES:
            names = LANGUAGE_NAMES[theirs]
            intro = INTRODUCTION.get(request.language, INTRODUCTION["en"])
            yield TextDelta(intro.format(language=names.get(request.language, names["en"])) + "\n\n", fixed=True)
        for text in _cited(chosen):
            for word in _pieces(text):
                yield TextDelta(word)
                if request.streamed:
                    await asyncio.sleep(PACE_SECONDS)


def choose(request: ModelRequest) -> list[Sentence]:
    """The sentences of an answer, in reading order: from the best passage, and one from the next when it is as near."""
    sentences = {p.number: cut(p.number, str(p.text), p.language) for p in request.passages}
    everything = [s for found in sentences.values() for s in found]
    if not everything:
        return []
    languages = {p.language for p in request.passages} | {request.language}
    question = [s for lang in sorted(languages) for s in stems(str(request.question), lang)]
    weights = weigh(question, everything)
    values = {
        p.number: value(p, weights) * RANK_DECAY ** (p.number - 1) for p in request.passages if sentences[p.number]
    }
    first, *others = sorted(values, key=lambda n: -values[n])
    if values[first] == 0:  # another language, or a paraphrase: the best passage as it begins
        return _opening(sentences[min(values)])
    chosen = _from_passage(sentences[first], weights)
    length = sum(len(s.text) for s in chosen)
    for number in others[:1]:
        second = max(sentences[number], key=lambda s: score(s, weights))
        if values[number] >= AS_NEAR * values[first] and length + len(second.text) <= MOST + SECOND_MORE:
            chosen.append(second)
    return chosen


def _from_passage(sentences: Sequence[Sentence], weights: Mapping[str, float]) -> list[Sentence]:
    """The best sentence of a passage and the best of those near it, up to the length of an answer, in order."""
    first = max(sentences, key=lambda s: score(s, weights))
    chosen, length = [first], len(first.text)
    near = sorted(
        (s for s in sentences if s != first),
        key=lambda s: -(score(s, weights) + 0.5 / abs(s.order - first.order)),
    )
    for s in near:
        if len(chosen) < ENOUGH and length + len(s.text) <= MOST:
            chosen.append(s)
            length += len(s.text)
    return sorted(chosen, key=lambda s: s.order)


def _opening(sentences: Sequence[Sentence]) -> list[Sentence]:
    out: list[Sentence] = []
    length = 0
    for s in sentences:
        if out and length + len(s.text) > MOST:
            break
        out.append(s)
        length += len(s.text)
    return out


def _cited(sentences: Sequence[Sentence]) -> list[str]:
    """Runs of neighbouring sentences of one passage, each run with one citation behind it."""
    runs: list[list[Sentence]] = []
    for s in sentences:
        if runs and runs[-1][-1].passage == s.passage and runs[-1][-1].order + 1 == s.order:
            runs[-1].append(s)
        else:
            runs.append([s])
    return [" ".join(s.text for s in run) + f" [{run[0].passage}] " for run in runs]


def _pieces(text: str) -> list[str]:
    words = text.split(" ")
    return [w + " " for w in words[:-1]] + [words[-1]]
