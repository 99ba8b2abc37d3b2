"""Service Quotas: the quotas of SageMaker that the local AWS enforces."""

from __future__ import annotations

import json
import zlib
from typing import Any

from moto.servicequotas.responses import ServiceQuotasResponse

from footlake.local.patches.methods import replace_methods
from footlake.local.validation.service_rules.sagemaker import sagemaker_quotas


def install() -> None:
    """Replace moto's method."""
    replace_methods(ServiceQuotasResponse, list_service_quotas)


def list_service_quotas(self: Any) -> str:
    """Return the quotas of a service as JSON text; none for services other than SageMaker."""
    service = json.loads(self.body)["ServiceCode"]
    quotas = [
        {
            "ServiceCode": service,
            "QuotaName": name,
            "QuotaCode": f"L-{zlib.crc32(name.encode()):08X}",
            "Value": value,
            "Adjustable": True,
        }
        for name, value in sagemaker_quotas().items()
    ]
    return json.dumps({"Quotas": quotas if service == "sagemaker" else []})
