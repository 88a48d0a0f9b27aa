"""Examples on real data, and the demonstration that runs one from end to end.

``projects``          drafts an example's project and its data into a folder
``flights/``          files of the flights project, as text: what a user would have written
``flights_package``   finds the raw files, which come from PyPI
``flights_data``      works out instants and writes tidy tables
``demo``              ``isbjerg demo``: trains, releases, replays a week through the server
``demo_events``       what became known when in that week, in order
``demo_traffic``      sends it over HTTP, keeping the order
``demo_report``       what became of each prediction, as a table and as JSON
"""

from __future__ import annotations
