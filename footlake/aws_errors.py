"""What an exception of the AWS SDK, or of MySQL's client, means to the person at the keyboard."""

from __future__ import annotations

import errno
from typing import Any

from footlake.errors import FootlakeError, NotReady

_STORAGE_ERRNOS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def to_footlake_error(error: Exception, local: bool = False) -> FootlakeError | None:
    """It in a sentence, with what to do next; `local` where the local AWS was asked. None for a defect of ours."""
    if isinstance(error, FootlakeError):
        return error
    from botocore import exceptions as aws
    from botocore.parsers import ResponseParserError

    if isinstance(error, aws.NoCredentialsError | aws.PartialCredentialsError | aws.CredentialRetrievalError):
        return FootlakeError(
            "There are no AWS credentials.",
            "Run aws configure, set AWS_PROFILE, or try it without an account: footlake --local",
        )
    if isinstance(error, aws.ProfileNotFound):
        return FootlakeError(f"{error}.", "aws configure list-profiles shows those that there are.")
    if isinstance(error, aws.NoRegionError):
        return FootlakeError("No AWS region is set.", "Use --region, AWS_REGION or your AWS profile.")
    if isinstance(error, aws.SSOTokenLoadError | aws.UnauthorizedSSOTokenError | aws.TokenRetrievalError):
        return FootlakeError("The AWS sign-in has expired.", "Run aws sso login.")
    unreachable = isinstance(error, aws.HTTPClientError | aws.ConnectionError)
    if unreachable and local:
        return FootlakeError(
            "The local AWS does not answer (any more).", "Run the same command again: it starts it, and goes on."
        )
    if unreachable:
        return FootlakeError(
            f"AWS cannot be reached: {error}", "Check the network, the region and AWS_ENDPOINT_URL; then run it again."
        )
    if isinstance(error, ResponseParserError) or (isinstance(error, aws.ClientError) and "Error" not in error.response):
        return FootlakeError(
            "What answered is not AWS, but perhaps a web page.",
            "Check the network, which may want you to sign in in a browser, the proxy and AWS_ENDPOINT_URL.",
        )
    if isinstance(error, aws.ClientError):
        return _from_client_error(error)
    if isinstance(error, aws.BotoCoreError):
        return FootlakeError(f"The AWS SDK says: {error}")
    if isinstance(error, ValueError) and str(error).startswith("Invalid endpoint: "):  # botocore has no kind for it
        return FootlakeError(f"{error}.", "Check AWS_ENDPOINT_URL: it begins with http:// or https://.")
    if isinstance(error, OSError) and error.errno in _STORAGE_ERRNOS:
        return FootlakeError(f"Cannot write {error.filename or 'the output'}: {error.strerror}.", "Make room for it.")
    if isinstance(error, UnicodeEncodeError):
        return FootlakeError(
            f"{error.encoding} cannot write {error.object[error.start : error.end]!a}.", "Set PYTHONIOENCODING=utf-8."
        )
    import pymysql

    if isinstance(error, pymysql.MySQLError):
        return FootlakeError(
            f"The database fails: {error.args[-1] if error.args else error}",
            "Run the same command again; footlake doctor tells whether the database answers.",
        )
    return None


def _from_client_error(error: Any) -> FootlakeError:
    from footlake.resources.base import is_denied

    code = error.response["Error"].get("Code", "")
    message = error.response["Error"].get("Message", "")
    action = error.operation_name
    if is_denied(error):
        return FootlakeError(f"AWS does not allow {action}: {message}", "The user or role that runs footlake needs it.")
    if code in ("ExpiredToken", "ExpiredTokenException", "RequestExpired"):
        return FootlakeError("The AWS credentials have expired.", "Sign in again, then run the same command.")
    if code in ("InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "AuthFailure"):
        return FootlakeError("AWS does not accept these credentials.", "Check aws sts get-caller-identity.")
    if code == "UnknownRegion":  # only the local AWS says so: elsewhere such a region cannot be reached
        return FootlakeError(message, "Check --region, FOOTLAKE_REGION and AWS_REGION.")
    if code == "NoSuchBucket":
        return NotReady(
            f"There is no data lake {error.response['Error'].get('BucketName', '')}.", "Run footlake bootstrap first."
        )
    return FootlakeError(f"AWS refused {action}: {message} ({code})")
