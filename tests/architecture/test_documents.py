"""What the documents name is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")])
OURS = "alerts|benchmarks|deploy|docs|flows|interactions|kaireon|outbox|reports|static|templates|tests|triggers"
PATH = re.compile(rf"`((?:{OURS})/[\w./-]*\w/?)`")
LINK = re.compile(r"\]\((?!https?:)([^)#]+)\)")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_file_that_a_document_names_exists(document: Path) -> None:
    text = document.read_text(encoding="utf-8")

    named = {name for name in PATH.findall(text) if not (ROOT / name).exists()}
    linked = {name for name in LINK.findall(text) if not (document.parent / name).exists()}

    assert named | linked == set()
