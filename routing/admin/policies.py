"""Pages of policies: drafts as YAML, publication."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextareaWidget

from accounts.console_admin import HistoryAdmin, actor, badge, leave_dialog
from common.errors import Invalid
from common.time import utc_now
from routing.choices import PolicyState
from routing.models import Policy
from routing.services.policies import (
    change_draft,
    create_draft,
    parse_yaml,
    publish_policy,
    to_yaml,
)

# Wide lines scroll in their own box, on a phone too.
RULES = '<pre style="max-width: calc(100vw - 5rem); overflow-x: auto">{}</pre>'
POLICY_COLOURS = {"draft": "warning", "published": "success", "retired": "info"}


class PolicyForm(forms.ModelForm):  # type: ignore[type-arg]
    """A policy as YAML, with the hash of the rules that were shown."""

    rules = forms.CharField(
        label=_("rules (YAML)"),
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 40, "style": "font-family: monospace"}),
        help_text=_("complexity × risk → modes, target error; grids; gates; caps; tier rules"),
    )
    shown_hash = forms.CharField(required=False, widget=forms.HiddenInput())

    class Meta:
        model = Policy
        fields = ("project", "note", "covers_safety_critical")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.fields["rules"].initial = to_yaml(self.instance.document)
            # Kept from GET to POST: what somebody else saves in between is not overwritten.
            self.fields["shown_hash"].initial = self.instance.document_hash

    def clean_rules(self) -> Any:
        try:
            return parse_yaml(self.cleaned_data["rules"])
        except Invalid as error:
            raise forms.ValidationError(str(error)) from error

    def _post_clean(self) -> None:
        """The service checks: the model's own checks need the parsed document."""
        self.instance.document = self.cleaned_data.get("rules")


@admin.register(Policy)
class PolicyAdmin(HistoryAdmin):
    view_permission = "routing.view"
    manage_permission = "policies.edit"
    form = PolicyForm
    list_display = ("project", "version", "shown_state", "author", "published_by", "published_at")
    list_filter = ("state", "project")
    list_select_related = ("project", "author", "published_by")
    fields = ("project", "note", "covers_safety_critical", "rules", "shown_hash")
    actions_detail = ("publish",)

    @badge(description=_("state"), ordering="state", label=POLICY_COLOURS)
    def shown_state(self, policy: Policy) -> tuple[str, str]:
        return policy.state, policy.get_state_display()

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is not None and obj.state != PolicyState.DRAFT:
            return ("project", "version", "state", "note", "shown_rules", "published_by")
        return self.fields

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is not None and obj.state != PolicyState.DRAFT:
            return ("project", "version", "state", "note", "shown_rules", "published_by")
        return ("project", "covers_safety_critical") if obj is not None else ()

    @display(description=_("rules"))
    def shown_rules(self, policy: Policy) -> str:
        return format_html(RULES, to_yaml(policy.document))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is not None and obj.state != PolicyState.DRAFT:
            return False
        return super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        by = {"acting_user": actor(request), "now": utc_now()}
        rules = form.cleaned_data["rules"]
        if change:
            seen = form.cleaned_data["shown_hash"]
            change_draft(obj, rules, expected_hash=seen, note=obj.note, **by)
            return
        made = create_draft(
            obj.project,
            rules,
            note=obj.note,
            covers_safety_critical=obj.covers_safety_critical,
            **by,
        )
        obj.__dict__.update(made.__dict__)

    def has_publish_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return self._may(request, "policies.publish")

    @action(
        description=_("Publish"),
        permissions=["publish"],
        dialog={
            "title": _("Publish this policy"),
            "description": _(
                "It comes into force at once and the one before it is retired. A policy that "
                "covers safety-critical work is published by another person than its author."
            ),
            "form_class": BaseDialogForm,
            "form_submit_text": _("Publish"),
        },
    )
    def publish(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        def do() -> str:
            policy = self._row(request, object_id)
            publish_policy(policy, acting_user=actor(request), now=utc_now())
            return _("Published: the next run uses it.")

        self.carry_out(request, do)
        return leave_dialog(reverse("admin:routing_policy_change", args=[object_id]))
