"""Read AWS's errors, and translate exceptions of the AWS SDK, MySQL's client and the system into FootlakeError.

botocore is imported inside the functions: `footlake --help` does without it.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any

from footlake.errors import BOOTSTRAP_FIRST, FootlakeCommand, FootlakeError, Hint, NotReady

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

_STORAGE_ERRNOS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
_EXPIRED = ("The AWS credentials have expired.", "Sign in again, then run the same command.")
_INVALID = ("AWS rejected the credentials.", "Check them: aws sts get-caller-identity")
# The code differs by service; for a response without a body, botocore uses the HTTP status.
_DENIED = ("AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation", "403")
_UNKNOWN_OPERATION = ("InvalidAction", "UnknownOperationException", "NotImplemented", "501")
# Lake Formation's answers, and Glue's where Lake Formation governs the catalog, about what is absent or hidden.
HIDDEN = ("does not exist or requester is not authorized", "Insufficient Lake Formation permission")
_CREDENTIAL_ERRORS = {
    "ExpiredToken": _EXPIRED,
    "ExpiredTokenException": _EXPIRED,
    "RequestExpired": _EXPIRED,
    "InvalidClientTokenId": _INVALID,
    "UnrecognizedClientException": _INVALID,
    "SignatureDoesNotMatch": _INVALID,
    "AuthFailure": _INVALID,
}


def error_code(error: ClientError) -> str:
    """Return AWS's error code."""
    return str(error.response.get("Error", {}).get("Code", ""))


def is_denied(error: ClientError) -> bool:
    """Return whether the caller lacks the permission."""
    return error_code(error) in _DENIED


def is_unknown_operation(error: ClientError) -> bool:
    """Return whether the service at this endpoint, such as that of an emulator, does not have the operation."""
    return error_code(error) in _UNKNOWN_OPERATION


def is_temporary(error: ClientError) -> bool:
    """Return whether the same call can succeed later: AWS throttled it or failed."""
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status == 429 or status >= 500 or "Throttl" in error_code(error)


def may_be_absent(error: Exception | str) -> bool:
    """Return whether the error of a read leaves open if the resource is absent or hidden from the caller."""
    return any(message in str(error) for message in HIDDEN)


def get_or_none(call: Any, *absent: str, **arguments: Any) -> Any | None:
    """Return AWS's response, or None for an error with one of the `absent` codes. Other errors are raised."""
    from botocore.exceptions import ClientError

    try:
        return call(**arguments)
    except ClientError as error:
        if error_code(error) in absent:
            return None
        raise


def to_footlake_error(error: Exception, local: bool = False) -> FootlakeError | None:
    """Return the message and hint for a failure, or None when the exception is a defect of footlake.

    `local` says that the call went to the local AWS.
    """
    if isinstance(error, FootlakeError):
        return error
    return _from_sdk_error(error, local) or _from_system_error(error) or _from_mysql_error(error)


def _from_sdk_error(error: Exception, local: bool) -> FootlakeError | None:
    from botocore import exceptions as sdk
    from botocore.parsers import ResponseParserError

    match error:
        case sdk.PartialCredentialsError() | sdk.CredentialRetrievalError():
            return credentials_error(error)
        case sdk.RefreshWithMFAUnsupportedError():
            return FootlakeError(*_EXPIRED)
        case sdk.NoCredentialsError():
            return FootlakeError(
                "No AWS credentials found.",
                "Run aws configure or set AWS_PROFILE. To run footlake without an AWS account, use footlake --local.",
            )
        case sdk.ProfileNotFound():
            return FootlakeError(f"{error}.", "List the available profiles: aws configure list-profiles")
        case sdk.NoRegionError():
            return FootlakeError("No AWS region is set.", "Set --region, AWS_REGION or the region of your AWS profile.")
        case sdk.SSOTokenLoadError() | sdk.UnauthorizedSSOTokenError() | sdk.TokenRetrievalError():
            return FootlakeError(
                "The AWS single sign-on session has expired.", "Run aws sso login, then the same command again."
            )
        case sdk.HTTPClientError() | sdk.ConnectionError():
            return _from_connection_error(error, local)
        case sdk.ClientError() if "Error" in error.response:
            return _from_client_error(error)
        case ResponseParserError() | sdk.ClientError():
            return FootlakeError(
                "The endpoint returned HTML instead of an AWS response (captive portal or proxy?).",
                "Sign in to the network in a browser if necessary. Otherwise check the proxy and AWS_ENDPOINT_URL.",
            )
        case sdk.BotoCoreError():
            return FootlakeError(f"The AWS SDK reported an error: {error}")
        # botocore has no exception class for an invalid endpoint.
        case ValueError() if str(error).startswith("Invalid endpoint: "):
            return FootlakeError(f"{error}.", "Check AWS_ENDPOINT_URL. It must begin with http:// or https://.")
    return None


def credentials_error(cause: Exception) -> FootlakeError:
    """Return the error for credentials that AWS's SDK cannot obtain, with the cause.

    The cause can be the message of the profile's credential_process.
    """
    return FootlakeError(
        f"Cannot get AWS credentials: {str(cause).strip() or type(cause).__name__}",
        "Correct the cause or choose another profile with --profile, then run the same command again.",
    )


def _from_connection_error(error: Exception, local: bool) -> FootlakeError:
    if local:
        return FootlakeError(
            "The local AWS does not answer.",
            "Run the same command again. It starts the local AWS if necessary and continues.",
        )
    return FootlakeError(
        f"Cannot connect to AWS: {error}",
        "Check the network, the region and AWS_ENDPOINT_URL, then run the same command again.",
    )


def _from_client_error(error: Any) -> FootlakeError:
    """Translate a ClientError that has a code."""
    code, message = error_code(error), error.response["Error"].get("Message", "")
    if is_denied(error):
        return FootlakeError(
            f"AWS denied {error.operation_name}: {message}",
            Hint(
                "Allow this action for the user or role that runs footlake. ",
                FootlakeCommand("policy"),
                " prints all required permissions.",
            ),
        )
    if code in _CREDENTIAL_ERRORS:
        return FootlakeError(*_CREDENTIAL_ERRORS[code])
    if code == "UnknownRegion":  # from the local AWS only; AWS has no endpoint in an unknown region
        return FootlakeError(message, "Check --region, FOOTLAKE_REGION and AWS_REGION.")
    if code == "NoSuchBucket":
        bucket = error.response["Error"].get("BucketName", "")
        return NotReady(f"Data lake {bucket} does not exist.", BOOTSTRAP_FIRST)
    return FootlakeError(f"AWS rejected {error.operation_name}: {message} ({code})")


def _from_system_error(error: Exception) -> FootlakeError | None:
    """Translate a full disk, and a character that the encoding of the output lacks."""
    if isinstance(error, OSError) and error.errno in _STORAGE_ERRNOS:
        return FootlakeError(
            f"Cannot write {error.filename or 'the output'}: {error.strerror}.",
            "Check the free disk space, then run the same command again.",
        )
    if isinstance(error, UnicodeEncodeError):
        return FootlakeError(
            f"The output encoding {error.encoding} has no character {error.object[error.start : error.end]!a}.",
            "Set PYTHONIOENCODING=utf-8.",
        )
    return None


def _from_mysql_error(error: Exception) -> FootlakeError | None:
    import pymysql

    if not isinstance(error, pymysql.MySQLError):
        return None
    return FootlakeError(
        f"The database reported an error: {error.args[-1] if error.args else error}",
        Hint("Run the same command again. ", FootlakeCommand("doctor"), " checks the connection to the database."),
    )
