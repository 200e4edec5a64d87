"""The extractive model: scores the sentences of the passages and streams the best, each with its citation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from webchatagent.core.api import CannotAnswer, ModelEvent, ModelInfo, ModelRequest, TextDelta, stems

from .phrases import INTRODUCTION, LANGUAGE_NAMES, small_talk
from .sentences import ENOUGH, MOST, Sentence, cut, score, weigh

PACE_SECONDS = 0.012
"""Between words when somebody reads along: an answer that grows is easier to follow than one that jumps."""


class OfflineModel:
    """Answers in the words of the sources; refuses when they hold nothing of the question."""

    info = ModelInfo("offline", "Offline answers", local=True)

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
    """The sentences of an answer, in reading order, from one or two passages."""
    if not request.passages:
        return []
    sentences = [s for p in request.passages for s in cut(p.number, str(p.text), p.language)]
    languages = {p.language for p in request.passages} | {request.language}
    question = [s for lang in sorted(languages) for s in stems(str(request.question), lang)]
    weights = weigh(question, sentences)
    ranked = sorted(sentences, key=lambda s: -score(s, weights, s.passage - 1))
    first = ranked[0]
    if score(first, weights, 0) == 0:  # another language, or a paraphrase: the best passage as it begins
        return _opening([s for s in sentences if s.passage == 1])
    chosen, length = [first], len(first.text)
    near = sorted(
        (s for s in ranked if s.passage == first.passage and s != first),
        key=lambda s: -(score(s, weights, 0) + 0.5 / abs(s.order - first.order)),
    )
    for s in near:
        if len(chosen) == ENOUGH or length + len(s.text) > MOST:
            continue
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
