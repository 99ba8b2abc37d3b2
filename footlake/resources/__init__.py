"""AWS resources of the lake: one module per service, with frozen dataclasses.

A resource has `exists`, `ensure` and `destroy`. Its fields hold the resources that must exist first, which is how
footlake.deploy.executor finds the order. `base.py` has the Resource protocol and the base classes; `role_policies.py`
and `operator_policy.py` build IAM policies.

May import footlake.aws, config, errors, database and lake.s3_keys; never Click, footlake.commands or footlake.local.
"""
