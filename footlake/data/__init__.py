"""Files that footlake ships, and package_files to find the SQL files and Glue scripts. Imports footlake.errors only.

rds-ca.pem has the CA certificates of RDS, teamcodes.csv the codes and names of teams.
"""
