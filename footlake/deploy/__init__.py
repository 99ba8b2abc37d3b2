"""Deployment: the catalogue of resources, and everything that bootstrap, status and teardown do with it.

May import the modules of footlake except cli, cli_context, commands and local. Never click.
"""
