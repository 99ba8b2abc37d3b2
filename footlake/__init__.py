"""footlake: a football data lake on AWS, or on an AWS that runs on this machine."""

__version__ = "0.1.0"
