"""Events and seals are never changed nor deleted."""

from common.triggers import write_once

RULES = (
    *write_once("audit_event", "An event is never changed or deleted."),
    *write_once("audit_seal", "A seal is never changed or deleted."),
    *write_once("audit_sealedevent", "A sealed event stays sealed."),
)
