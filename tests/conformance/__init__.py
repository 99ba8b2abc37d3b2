"""footlake against emulators and linters that others wrote: ministack, moto, cfn-lint and parliament.

`make conformance` installs these into a separate virtual environment and runs the tests.
"""
