"""`evaluate`: how well a bot finds and answers, on questions whose answers are known."""

from __future__ import annotations

import json
import math
import sys
import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import click

from ..core import loop
from ..core.accept import accept_turn
from ..core.answer import Answer
from ..core.bots import LiveBot, find_bot
from ..core.breaker import Breakers
from ..core.resolver import candidates, stream_answer
from ..core.retrieval import search as search_bot
from ..core.turn import Turn
from .asking import documents_found, external_ids, read_jsonl
from .context import Context, Result, common


async def answer_once(turn: Turn) -> Answer:
    """Run the model of a turn without storing an answer."""
    answer = Answer(turn)
    assert turn.request is not None
    async for _, event in stream_answer(turn.bot, candidates(turn.bot), replace(turn.request, closed=True), Breakers()):
        answer.take(event)
    answer.close()
    return answer


def _one(found: LiveBot, question: dict[str, Any]) -> tuple[list[str], dict[str, Any]]:
    from ..core.sessions import erase_session

    text = str(question["text"])
    doc_ids = documents_found(found, search_bot(found.tenant, found.id, text, limit=40), 10)
    turn = accept_turn(found, None, text)
    answer = loop.run(answer_once(turn))
    erase_session(found.tenant, turn.session.id)
    ids = [r.chunk.key.document_id for r in answer.cited]
    names = external_ids(found, ids)
    own = answer.own_text
    for n in range(len(ids), 0, -1):
        own = own.replace(f" [{n}]", "")
    return doc_ids, {"text": own.strip(), "cited": [names[i] for i in ids], "refused": answer.refused}


def _norm(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join("".join(c if unicodedata.category(c)[0] in "LNM" else " " for c in folded).split())


def measure(
    questions: list[dict[str, Any]], found: dict[str, list[str]], answers: dict[str, dict[str, Any]]
) -> dict[str, float]:
    """The figures: recall@1 and @5, MRR and nDCG@10 over questions with relevant ids; answers over all."""
    out: dict[str, float] = {}
    ranked = [q for q in questions if q.get("relevant_ids")]
    sums = {"recall@1": 0.0, "recall@5": 0.0, "mrr": 0.0, "ndcg@10": 0.0}
    for q in ranked:
        relevant = set(q["relevant_ids"])
        hits = [d in relevant for d in found[q["id"]]]
        sums["recall@1"] += any(hits[:1])
        sums["recall@5"] += sum(hits[:5]) / min(len(relevant), 5)
        sums["mrr"] += next((1 / (i + 1) for i, hit in enumerate(hits) if hit), 0.0)
        ideal = sum(1 / math.log2(i + 2) for i in range(min(len(relevant), 10)))
        sums["ndcg@10"] += sum(1 / math.log2(i + 2) for i, hit in enumerate(hits) if hit) / ideal
    for name, value in sums.items():
        out[name] = value / len(ranked) if ranked else 0.0
    can = [q for q in questions if q.get("answerable", bool(q.get("relevant_ids")))]
    cannot = [q for q in questions if not q.get("answerable", bool(q.get("relevant_ids")))]
    gold = [q for q in can if q.get("answers")]
    supported = sum(any(_norm(a) in _norm(answers[q["id"]]["text"]) for a in q["answers"]) for q in gold)
    out["answers_supported"] = supported / len(gold) if gold else 0.0
    out["refused_wrongly"] = sum(answers[q["id"]]["refused"] for q in can) / len(can) if can else 0.0
    out["refused_rightly"] = sum(answers[q["id"]]["refused"] for q in cannot) / len(cannot) if cannot else 0.0
    return {k: round(v, 4) for k, v in out.items()}


@click.command()
@click.argument("bot")
@click.argument("questions_file", metavar="Q.jsonl")
@click.option("--out", help="Folder for retrieval.jsonl and answers.json.")
@click.option("--junit", help="JUnit file with a case per question.")
@common
def evaluate(context: Context, bot: str, questions_file: str, out: str | None, junit: str | None) -> Result:
    """Ask each question of a file; print recall, MRR, nDCG, answers supported, refusals right and wrong."""
    found = find_bot(context.platform, bot)
    questions = read_jsonl(questions_file)
    retrieval: dict[str, list[str]] = {}
    answers: dict[str, dict[str, Any]] = {}
    with click.progressbar(questions, label="questions", file=sys.stderr) as bar:
        for question in bar:
            retrieval[question["id"]], answers[question["id"]] = _one(found, question)
    figures = measure(questions, retrieval, answers)
    if out:
        folder = Path(out)
        folder.mkdir(parents=True, exist_ok=True)
        rows = [json.dumps({"id": i, "doc_ids": ids}, ensure_ascii=False) for i, ids in retrieval.items()]
        (folder / "retrieval.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
        (folder / "answers.json").write_text(json.dumps(answers, ensure_ascii=False, indent=1), encoding="utf-8")
    if junit:
        _write_junit(Path(junit), questions, answers)
    return Result(
        {"questions": len(questions), **figures}, [f"{name:18s} {value:.3f}" for name, value in figures.items()]
    )


def _write_junit(path: Path, questions: list[dict[str, Any]], answers: dict[str, dict[str, Any]]) -> None:
    """A case per question; it fails when the bot refused what it should answer, or the other way round."""
    suite = ElementTree.Element("testsuite", name="evaluate", tests=str(len(questions)))
    for q in questions:
        case = ElementTree.SubElement(suite, "testcase", name=str(q["id"]))
        expected = not q.get("answerable", bool(q.get("relevant_ids")))
        if answers[q["id"]]["refused"] != expected:
            ElementTree.SubElement(case, "failure", message="refused" if not expected else "answered")
    ElementTree.ElementTree(suite).write(path, encoding="utf-8", xml_declaration=True)
