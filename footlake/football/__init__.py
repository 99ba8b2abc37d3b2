"""API-Football: the client, and parsers from its responses to the lake's table rows.

Imports the standard library, requests and the keys and columns of `footlake.lake`; never AWS, Click or the local AWS.
`statuses` also runs in AWS Glue and imports only the standard library.
"""
