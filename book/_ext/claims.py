"""The claim ledger: a box for each claim, an anchor for its cell, and the page.

`claims.yml` holds the data. In a chapter the directive `claim` makes a box; a
cell tagged `claim-C09` is evidence for C09, or an illustration, as the data say;
the directive `claim-ledger` draws the page from the data and links box and cell. A
missing box or cell is an unresolved reference, and so fails the build.
"""

from pathlib import Path

import yaml
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

# A sign for each verdict, so that colour is never the only difference.
SIGNS = {"true": "✓", "partly": "◐", "false": "✗", "not testable": "?", "missing": "+"}
# What a claim's cells do: decide it, show what its box speaks of, or there are none.
SHOWN = ("evidence", "illustration", "source")


def read_ledger(path):
    """Return the ledger: its list of sections, each with its list of claims."""
    return yaml.safe_load(Path(path).read_text(encoding="utf-8"))


def verdict_badge(verdict):
    """Return an inline node that shows a verdict by sign, word and colour."""
    text = f"{SIGNS[verdict]} {verdict}"
    return nodes.inline(
        "", text, classes=["verdict", "verdict-" + verdict.replace(" ", "-")]
    )


def shown_by(claim):
    """Return what shows a claim, as Markdown that links to its cell."""
    if claim["shown"] == "source":
        return "source only"
    return f"[{claim['shown']}](#evidence-{claim['id'].lower()})"


class LedgerDirective(SphinxDirective):
    """What the directives share: the ledger, read once and noted as a dependency."""

    def ledger(self):
        path = Path(self.env.srcdir) / self.config.claims_file
        self.env.note_dependency(str(path))
        return read_ledger(path)

    def parse(self, lines):
        node = nodes.container()
        self.state.nested_parse(StringList(lines, self.env.docname), 0, node)
        return node.children


class Claim(LedgerDirective):
    """A box: what the article says, the verdict, what is true, the source."""

    required_arguments = 1
    has_content = True

    def run(self):
        id_ = self.arguments[0]
        claims = {c["id"]: c for s in self.ledger() for c in s["claims"]}
        if id_ not in claims:
            raise self.error(f"no claim {id_!r} in {self.config.claims_file}")
        label = f"claim-{id_.lower()}"
        note_label(self.env, label, self.env.docname, f"Claim {id_}")
        verdict = claims[id_]["verdict"]
        box = nodes.container(
            ids=[label], classes=["claim", "claim-" + verdict.replace(" ", "-")]
        )
        title = nodes.paragraph("", f"Claim {id_} ", classes=["claim-title"])
        title += verdict_badge(verdict)
        title += nodes.Text(" ")
        title += self.parse([shown_by(claims[id_])])[0].children
        box += title
        self.state.nested_parse(self.content, self.content_offset, box)
        return [box]


class ClaimLedger(LedgerDirective):
    """The page of all claims, section by section."""

    def run(self):
        sections = self.ledger()
        verdicts = [c["verdict"] for s in sections for c in s["claims"]]
        counts = nodes.paragraph(classes=["ledger-counts"])
        for verdict in SIGNS:
            counts += verdict_badge(verdict)
            counts += nodes.Text(f" {verdicts.count(verdict)} ")
        shown = [c["shown"] for s in sections for c in s["claims"]]
        kinds = ("evidence", "illustration", "source only")
        text = " · ".join(
            f"{name} {shown.count(kind)}" for name, kind in zip(kinds, SHOWN, strict=True)
        )
        made = [counts, nodes.paragraph("", text, classes=["ledger-counts"])]
        for section in sections:
            lines = ["", f"**{section['title']}** · {{doc}}`{section['chapter']}`", ""]
            made += self.parse(lines)
            for claim in section["claims"]:
                made.append(self.row(claim))
        return made

    def row(self, claim):
        """Return one claim as a row: id, verdict, claim, truth, what shows it, source."""
        low, shown = claim["id"].lower(), shown_by(claim)
        if claim.get("why"):
            shown += f": {claim['why']}"
        sources = "; ".join(
            f"{{cite:t}}`{s['key']}`" + (f", {s['where']}" if s.get("where") else "")
            for s in claim["sources"]
        )
        row = nodes.container(ids=[f"ledger-{low}"], classes=["ledger-row"])
        head = nodes.paragraph(classes=["ledger-head"])
        head += self.parse([f"[{claim['id']}](#claim-{low})"])[0].children
        head += nodes.Text(" ")
        head += verdict_badge(claim["verdict"])
        row += head
        says = "The article says nothing of this" if claim["verdict"] == "missing" else ""
        row += self.parse([f"*{says or 'It says'}:* {claim['claim']}"])
        row += self.parse([f"*In truth:* {claim['truth']}"])
        row += self.parse([f"{shown} · {sources}"])
        return row


def note_label(env, label, docname, title):
    """Make `label` a target that every page can link to."""
    std = env.get_domain("std")
    std.anonlabels[label] = docname, label
    std.labels[label] = docname, label, title


def forget_evidence(app, env, docnames):
    """Forget the cells on pages that are about to be read again.

    The page that had a claim's cell may have lost it to one that is read earlier.
    """
    std = env.get_domain("std")
    for labels in (std.anonlabels, std.labels):
        for label, (docname, *_) in list(labels.items()):
            if label.startswith("evidence-") and docname in docnames:
                del labels[label]


def anchor_evidence(app, doctree):
    """Give the first cell tagged claim-CNN of a page the anchor evidence-cNN."""
    env = app.env
    for cell in doctree.findall(nodes.container):
        for class_ in list(cell["classes"]):
            if class_.startswith("tag_claim-"):
                id_ = class_.removeprefix("tag_claim-")
                label = f"evidence-{id_.lower()}"
                known = env.get_domain("std").anonlabels.get(label)
                if known is None or known[0] == env.docname:
                    if label not in doctree.ids:
                        cell["ids"].append(label)
                        doctree.ids[label] = cell
                    note_label(env, label, env.docname, f"The cell of {id_}")


def check_ledger(app, config):
    """Stop early, with one line, when the ledger cannot be read."""
    path = Path(app.srcdir) / config.claims_file
    try:
        sections = read_ledger(path)
    except (OSError, yaml.YAMLError) as error:
        raise ExtensionError(
            f"the claim ledger {path} cannot be read: {error}"
        ) from error
    for section in sections:
        for claim in section["claims"]:
            if claim["verdict"] not in SIGNS:
                raise ExtensionError(
                    f"{claim['id']} in {path} has the verdict {claim['verdict']!r}; "
                    f"use one of {', '.join(SIGNS)}"
                )
            if claim.get("shown") not in SHOWN:
                raise ExtensionError(
                    f"{claim['id']} in {path} is shown by {claim.get('shown')!r}; "
                    f"use one of {', '.join(SHOWN)}"
                )


def setup(app):
    """Register with Sphinx."""
    app.add_config_value("claims_file", "claims.yml", "env")
    app.add_directive("claim", Claim)
    app.add_directive("claim-ledger", ClaimLedger)
    app.connect("config-inited", check_ledger)
    app.connect("env-before-read-docs", forget_evidence)
    app.connect("doctree-read", anchor_evidence)
    return {"version": "1", "parallel_read_safe": False, "parallel_write_safe": True}
