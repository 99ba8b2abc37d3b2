"""What scripts use of the package that AWS Glue provides, for jobs that run on the local AWS.

Only the folder above it is put on the path of such a job; footlake itself never imports it.
"""
