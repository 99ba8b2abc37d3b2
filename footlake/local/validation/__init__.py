"""Reject the requests that AWS would reject, before they reach moto.

`middleware` parses each request and runs three checks in this order: the service model (`model_constraints`), IAM
(`iam`, with `required_permissions` and `policies`) and the rules that only the service knows (`service_rules`).
These modules read moto's state and never change it. They may import moto, botocore, policy_sentry, cfn-lint data and
`footlake.local.context`, but neither `footlake.local.engines` nor `footlake.local.patches`.

moto reads its settings when it is imported: set `footlake.local.server.MOTO_SETTINGS` first.
"""
