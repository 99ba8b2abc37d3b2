"""Turn a season's matches into the league table, weeks and luck, and show them: terminal, JSON, CSV, HTML.

Imports the standard library, rich, pymysql and jinja2, and footlake.errors; neither AWS nor Click.
"""
