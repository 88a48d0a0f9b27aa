"""The table of verbs: everything that help, typing slips and the reference page need to know.

A verb's module is imported only when the verb is asked for, so that help stays light.
"""

from __future__ import annotations

from typing import NamedTuple


class Verb(NamedTuple):
    """One verb: its name, what it does in a line, an example, whether it only reads."""

    name: str
    says: str
    example: str
    reads: bool = False

    @property
    def module(self) -> str:
        """Where its two functions are: `add_arguments` and `run`."""
        return f"isbjerg.cli.verb_{self.name}"


GROUPS: tuple[tuple[str, tuple[Verb, ...]], ...] = (
    (
        "begin",
        (
            Verb(
                "new",
                "draft a project from a table, or take an example",
                "isbjerg new churn --from churn.csv --target churned --time signed_up_at",
            ),
            Verb("demo", "show a whole life on real flights, in a new folder", "isbjerg demo"),
        ),
    ),
    (
        "make",
        (
            Verb(
                "ingest",
                "read the sources; what is new becomes a data version",
                "isbjerg ingest flights weather",
            ),
            Verb(
                "data",
                "list the tables, show one, or diff two of its versions",
                "isbjerg data diff flights v1 v2",
                reads=True,
            ),
            Verb(
                "profile",
                "what the tables hold, and what columns say of the target",
                "isbjerg profile flights --html flights.html",
                reads=True,
            ),
            Verb(
                "run",
                "the loop once: data, features, ladder, evaluation, gate",
                'isbjerg run --note "with wind"',
            ),
            Verb(
                "retrain",
                "train the live rung and its neighbours again",
                "isbjerg retrain --plan",
            ),
            Verb("status", "where the project stands", "isbjerg status --json", reads=True),
            Verb("runs", "list the runs, newest first, or show one", "isbjerg runs r7", reads=True),
            Verb(
                "report",
                "one run, in the terminal or as a page",
                "isbjerg report r7 --html r7.html",
                reads=True,
            ),
            Verb(
                "compare",
                "what differs between two runs, and what it did",
                "isbjerg compare r6 r7",
                reads=True,
            ),
            Verb(
                "journal",
                "what was tried, what changed, what it did; notes",
                'isbjerg journal add "wind was in knots until May" --run r7',
                reads=True,
            ),
        ),
    ),
    (
        "release",
        (
            Verb("promote", "let a model version that passed go live", "isbjerg promote --plan"),
            Verb(
                "rollback",
                "go back to the version that was live before",
                'isbjerg rollback --why "alarms since noon"',
            ),
            Verb("history", "what was live when, by whom and why", "isbjerg history", reads=True),
        ),
    ),
    (
        "live",
        (
            Verb("serve", "start the prediction server", "isbjerg serve --port 8099"),
            Verb(
                "predict",
                "score a table; every row goes into the ledger too",
                "isbjerg predict customers.parquet scores.parquet",
            ),
            Verb(
                "settle",
                "add outcomes that have become known",
                "isbjerg settle outcomes.csv --plan",
            ),
            Verb(
                "watch",
                "ask whether what is live is still what was tested",
                "isbjerg watch --window 7d",
            ),
            Verb(
                "trace",
                "everything behind one prediction, replayed",
                "isbjerg trace 01JZ8Q5W6T-0-17",
                reads=True,
            ),
        ),
    ),
    (
        "learn",
        (
            Verb(
                "explain",
                "what an error code means, and its mend",
                "isbjerg explain ISB201",
                reads=True,
            ),
        ),
    ),
)
"""The verbs in the order in which a project meets them."""

VERBS: dict[str, Verb] = {verb.name: verb for _, verbs in GROUPS for verb in verbs}
"""Every verb by its name."""
