"""Turn a season's records into tables, weeks and luck, and show them: terminal, JSON, CSV, HTML.

Imports the standard library, rich, pymysql and jinja2, footlake.football and footlake.errors; neither AWS nor Click.
"""
