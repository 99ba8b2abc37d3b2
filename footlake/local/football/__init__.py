"""Emulate API-Football v3 on this machine, from recorded responses or a simulated league, with faults on request.

Imports footlake.football and footlake.lake keys, but no AWS code: tests and benchmarks run it without the local AWS.
"""
