"""An acceptance run of footlake in an AWS account, for whoever has one: `make live`."""
