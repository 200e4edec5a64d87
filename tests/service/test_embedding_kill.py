"""`kill -9` while a space is filled: it goes on where it was, and the answers move over once."""

from __future__ import annotations

import subprocess
import time

import pytest
from sqlalchemy import select

from webchatagent.core.bots import create_bot
from webchatagent.core.db.records import AuditEntry
from webchatagent.core.db.tenants import PluginSwitch
from webchatagent.core.documents import FoundDocument
from webchatagent.core.sources import ensure_source, take_findings
from webchatagent.core.spaces import read_choice
from webchatagent.core.tenants import create_tenant, load_tenant, seal_config
from webchatagent.jobs.worker import Worker
from webchatagent.plugins.llm_ollama.config import Config
from webchatagent.testing.processes import COMMAND, by_words_only

from .slow_embedder import slow_embedder

pytestmark = pytest.mark.service
DOCUMENTS, KILLS, SPACE = 300, 4, "ollama:slow@64"


def test_killed_while_it_fills(make_platform, tmp_path):
    with slow_embedder(0.02) as server:
        platform = make_platform("killed", private_hosts=f"127.0.0.1:{server.port}")
        tenant = create_tenant(platform, "acme", "Acme")
        create_bot(create_tenant(platform, "globex", "Globex"), "bot", "Bot")
        bot = create_bot(tenant, "bot", "Bot")
        texts = [FoundDocument(f"d{n}", text=f"Shelf {n} holds lamps of kind {n}.") for n in range(DOCUMENTS)]
        take_findings(tenant, ensure_source(tenant, bot.id, "file", "texts"), texts)
        worker = Worker(platform)
        while worker.run_due():
            pass
        config = Config(base_url=server.url, embedding_model="slow", dimensions=64)
        with tenant.write() as db:
            db.add(PluginSwitch(plugin="llm_ollama", config=seal_config(tenant, "llm_ollama", config)))
        command = [*COMMAND, "embedding", "switch", "acme", SPACE, "--wait", "--data", str(platform.settings.folder)]
        env = {**by_words_only(tmp_path), "WEBCHATAGENT_PRIVATE_HOSTS": f"127.0.0.1:{server.port}"}

        def filled() -> int:
            return platform.chunks.stats(tenant.id).vectors.get(SPACE, 0)

        rows = []
        for number in range(1, KILLS + 1):
            process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            begun, limit = filled(), time.monotonic() + 30
            while filled() == begun and process.poll() is None and time.monotonic() < limit:
                time.sleep(0.005)
            process.kill()
            process.communicate()
            rows.append((number, begun, filled(), read_choice(tenant).space))
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
        print("\n| kill | vectors before | after | answers in |\n|---|---|---|---|")
        for row in rows:
            print("| {} | {} | {} | {} |".format(*row))
        assert done.returncode == 0, done.stderr
        assert [r[1] for r in rows][1:] == [r[2] for r in rows][:-1] and rows[-1][2] < DOCUMENTS
        assert all(r[3] != SPACE for r in rows) and filled() == DOCUMENTS
        choice = read_choice(load_tenant(platform, slug="acme"))
        assert (choice.space, choice.next) == (SPACE, "")
        with tenant.read() as db:
            moved = list(db.scalars(select(AuditEntry.action).where(AuditEntry.action == "embedding.switched")))
        assert len(moved) == 1
        again = DOCUMENTS + KILLS * 16  # of each killed call at most a batch is sent twice
        assert server.texts <= again
        print(f"texts sent: {server.texts} for {DOCUMENTS} passages")
