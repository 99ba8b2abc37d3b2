"""The expected-goals models: records of trained models, scoring of team rows, evaluation on held-out seasons.

Imports `footlake.aws`, `footlake.handlers.scoring` and `footlake.lake`; pandas and scikit-learn only when
used.
"""
