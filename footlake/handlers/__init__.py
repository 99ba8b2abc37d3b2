"""Entry points of the Lambda functions, and the steps that they share.

Imports `footlake.football`, `footlake.lake` and boto3: nothing else of footlake is in the functions' package.
"""
