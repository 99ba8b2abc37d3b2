"""footlake against emulators and linters that others wrote: ministack, moto, cfn-lint and parliament.

`make conformance` installs these into a virtual environment of their own and runs the tests.
"""
