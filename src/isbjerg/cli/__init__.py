"""The verbs: what a person types, and what a schedule calls.

- `main.py`: from arguments to an exit code; `python -m isbjerg` and the script start here;
- `verbs.py`: the table of verbs; each is a module `verb_<name>.py` that is imported when asked;
- `parser.py`: the two argparse parsers and how their help looks;
- `exits.py`: exit codes, and which error gets which;
- `refusal.py`: an error as a person reads it;
- `explain.py`: the pages of the codes, in `explanations/`;
- `opening.py`: the project a verb works on;
- `output.py`: tables, pairs, findings, verdicts, JSON;
- `progress.py`: bars that are silent when nobody watches;
- `figures.py`: numbers, times and spans as people read them.

`isbjerg --help` imports nothing but argparse and the table of verbs.
"""

from __future__ import annotations
