"""An acceptance run of footlake in an AWS account (`make live`)."""
