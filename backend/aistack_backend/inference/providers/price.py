"""What tokens cost, exactly: decimal numbers only, and None where the price or the count is not known."""

from __future__ import annotations

from decimal import Decimal

from aistack_backend.inference.providers.models import Tokens
from aistack_backend.wire.providerconfig import ProviderConfig

MILLION = Decimal(1_000_000)


def cost(provider: ProviderConfig, tokens: Tokens | None) -> Decimal | None:
    """Return the cost of these tokens in the provider's currency."""
    if tokens is None or provider.price_in is None or provider.price_out is None:
        return None
    return (provider.price_in * tokens.read + provider.price_out * tokens.written) / MILLION


def shown(amount: Decimal | None) -> str | None:
    """Return an amount as text without an exponent and without zeros at its end."""
    if amount is None:
        return None
    text = format(amount, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
