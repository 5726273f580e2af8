"""Import: history that RudderStack wrote into tables, loaded as if its events had come here.

The events go straight into the embedded warehouse, by the loader's way, and not into the log:
destinations had them when they happened, and must not get them again. With `deliver`, they are
appended to *events* instead, and every reader gets them.

What is there already stays as it is. A position is kept after each lot, so that an import that
was killed goes on where it was; one that is done reads everything again the next time, and finds
what came late.
"""
