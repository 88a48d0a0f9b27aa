"""What isbjerg costs, measured beside a reference in the same run.

``figures.py`` holds the one kind of result, ``measuring.py`` how rounds are interleaved and
processes timed, ``registry.py`` finds the benchmarks, ``__main__.py`` shows them. Every other
module is a benchmark: a docstring and a function ``figures(*, quick)`` that yields figures.
"""
