"""The local AWS: an emulator of the AWS services that the lake uses, with moto and real engines.

Only `--local` and the `local` command use it, by way of `daemon`, which must not import moto. Packages:

- `engines`: do the work that moto only records (Lambda, Glue, Autopilot, transform, RDS, schedules)
- `validation`: reject the requests that AWS would reject
- `patches`: change what moto answers, one module per AWS service
- `football`: emulate API-Football

These modules may import the rest of footlake except for Click, `footlake.cli`, `footlake.cli_context` and
`footlake.commands`.
"""
