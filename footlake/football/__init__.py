"""API-Football: the client, parsers from its responses to the lake's table rows, and reconciliation of tables.

Imports the standard library, requests and the keys and columns of `footlake.lake`; never AWS, Click or the local AWS.
`statuses` also runs in AWS Glue and imports only the standard library.
"""
