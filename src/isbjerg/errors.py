"""The tree of errors: what is raised when a call, a project or a store is wrong.

Bad *data* is never an exception: contracts, checks and gates return
:class:`isbjerg.findings.Finding`. What is raised is drawn here, by who must act::

    IsbjergError
    ├── MisuseError            the call is wrong: change the code that calls
    │   ├── ArgumentError      one argument is out of its range
    │   ├── TracingError       a feature function holds what cannot be traced
    │   └── TypingError        an expression joins types that do not fit
    ├── ProjectError           the project's files are wrong: edit them
    │   ├── FrameError         frame.toml, all its faults at once
    │   └── DefinitionError    sources.py, features.py, models.py, all their faults at once
    ├── DataError              no table can be formed from what a source gave
    │   ├── SourceError        a source cannot be read
    │   └── KnowledgeError     a value is used before it is known
    ├── ModelError             a model cannot be trained, stored or loaded
    │   └── BundleError        a bundle is damaged, or of a format this version cannot read
    ├── ReleaseError           an act of release is refused
    └── StoreError             the store is wrong: missing, damaged, busy, too new
        └── LedgerError        a prediction cannot be made durable

Each error has a code with a page (``isbjerg explain ISB201``), keeps its facts as
attributes in ``facts``, and prints what was asked, what was found, and one mend that can
be pasted. The codes are grouped by hundreds: 1xx calls, 2xx project, 3xx data, 4xx models,
5xx release, 6xx store, 7xx serving.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self


class IsbjergError(Exception):
    """The root of everything isbjerg raises.

    Parameters
    ----------
    message : str
        What was asked and what was found, in sentences.
    code : str, optional
        The stable code, ``ISB`` and three digits; the class's own when not given.
    mend : str, optional
        One thing to do that can be pasted.
    facts : Any
        What the message was built from, for programs that act on it.

    Examples
    --------
    >>> print(IsbjergError("Nothing is live.", mend="isbjerg promote"))
    Nothing is live.
    <BLANKLINE>
    Mend: isbjerg promote
    More: isbjerg explain ISB000
    """

    code: ClassVar[str] = "ISB000"

    def __init__(
        self, message: str, *, code: str | None = None, mend: str | None = None, **facts: Any
    ) -> None:
        super().__init__(message)
        self.message = message
        self.mend = mend
        self.facts = facts
        self.kind_code = code or type(self).code

    def __str__(self) -> str:
        lines = [self.message, ""]
        if self.mend:
            lines.append(f"Mend: {self.mend}")
        lines.append(f"More: isbjerg explain {self.kind_code}")
        return "\n".join(lines)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.message, self.kind_code, self.mend, self.facts)


def _rebuild(
    kind: type[IsbjergError], message: str, code: str, mend: str | None, facts: dict[str, Any]
) -> IsbjergError:
    return kind(message, code=code, mend=mend, **facts)


class MisuseError(IsbjergError):
    """The call is wrong: change the code that calls."""

    code = "ISB100"


class ArgumentError(MisuseError, ValueError):
    """One argument is out of its range."""

    code = "ISB101"

    @classmethod
    def out_of_range(cls, name: str, of: str, rule: str, got: object) -> Self:
        """Build the one sentence every bad argument gets.

        Examples
        --------
        >>> print(
        ...     ArgumentError.out_of_range("level", "wilson_interval", "lie in (0, 1)", 95).message
        ... )
        `level` of `wilson_interval` must lie in (0, 1). Got 95.
        """
        return cls(f"`{name}` of `{of}` must {rule}. Got {got!r}.", name=name, of=of, got=got)


class TracingError(MisuseError):
    """A feature function holds what cannot be traced."""

    code = "ISB110"


class TypingError(MisuseError):
    """An expression joins types that do not fit."""

    code = "ISB120"


class ProjectError(IsbjergError):
    """The project's files are wrong: edit them."""

    code = "ISB200"


class FrameError(ProjectError):
    """frame.toml is wrong; all its faults are told at once."""

    code = "ISB201"


class DefinitionError(ProjectError):
    """sources.py, features.py or models.py are wrong; all their faults are told at once."""

    code = "ISB210"


class DataError(IsbjergError):
    """No table can be formed from what a source gave."""

    code = "ISB300"


class SourceError(DataError):
    """A source cannot be read."""

    code = "ISB301"


class KnowledgeError(DataError):
    """A value is used before it is known."""

    code = "ISB310"


class ModelError(IsbjergError):
    """A model cannot be trained, stored or loaded."""

    code = "ISB400"


class BundleError(ModelError):
    """A bundle is damaged, or of a format this version cannot read."""

    code = "ISB410"


class ReleaseError(IsbjergError):
    """An act of release is refused."""

    code = "ISB500"


class StoreError(IsbjergError):
    """The store is wrong: missing, damaged, busy or too new."""

    code = "ISB600"


class LedgerError(StoreError):
    """A prediction cannot be made durable."""

    code = "ISB610"
