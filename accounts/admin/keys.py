"""Pages of API keys."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from accounts.choices import KeyState
from accounts.console_admin import ConsoleAdmin, actor, badge, leave_dialog
from accounts.models import ApiKey
from accounts.permissions import SCOPES
from accounts.services.keys import key_state, keys_in, make_key, revoke_key
from common.time import utc_now


class KeyForm(forms.ModelForm):
    """A new key; its secret is made by the service."""

    scopes = forms.MultipleChoiceField(
        label=_("scopes"),
        choices=[(scope, scope) for scope in SCOPES],
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        help_text=_("what the key may do; its user must be allowed to as well"),
    )

    class Meta:
        model = ApiKey
        fields = ("name", "user", "scopes", "expires_at")


class KeyStateFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(KeyState.choices)

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if self.value() not in KeyState.values:
            return queryset
        return queryset.filter(keys_in(self.value() or "", now=utc_now()))


@admin.register(ApiKey)
class ApiKeyAdmin(ConsoleAdmin):
    """Keys are made and revoked, never changed; the secret is on the page that made it only."""

    view_permission = "keys.manage"
    manage_permission = "keys.manage"
    form = KeyForm
    list_display = (
        "name",
        "prefix",
        "user",
        "scope_list",
        "shown_state",
        "expires_at",
        "last_used_at",
    )
    list_filter = (KeyStateFilter, "user__organisation")
    search_fields = ("name", "prefix", "user__email", "user__name")
    list_select_related = ("user",)
    autocomplete_fields = ("user",)
    add_fields = ("name", "user", "scopes", "expires_at")
    fields = (
        "name",
        "prefix",
        "user",
        "scope_list",
        "shown_state",
        "created_at",
        "created_by",
        "expires_at",
        "revoked_at",
        "last_used_at",
    )
    actions_detail = ("revoke",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.add_fields if obj is None else self.fields

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else self.fields

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # the log names keys: they are revoked

    @display(description=_("scopes"))
    def scope_list(self, key: ApiKey) -> str:
        return ", ".join(key.scopes)

    @badge(
        description=_("state"),
        label={"live": "success", "expired": "warning", "revoked": "danger", "asleep": "warning"},
    )
    def shown_state(self, key: ApiKey) -> tuple[str, str]:
        state = key_state(key, now=utc_now())
        return state, state.label

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kw: Any) -> Any:
        # There is one way on from here: the page with the secret.
        context.update(show_save_and_add_another=False, show_save_and_continue=False)
        return super().render_change_form(request, context, *args, **kw)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        made, request._key_token = make_key(
            **{name: form.cleaned_data[name] for name in self.add_fields},
            acting_user=actor(request),
            now=utc_now(),
        )
        obj.__dict__.update(made.__dict__)

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> Any:
        """Show the secret in the answer itself: it is put into no message, session or table."""
        context = {
            **self.admin_site.each_context(request),
            "title": _("API key made"),
            "opts": self.opts,
            "key": obj,
            "token": request._key_token,
        }
        # Admin pages are not kept by browsers (no-store).
        return TemplateResponse(request, "admin/accounts/key_made.html", context)

    def has_revoke_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return self._may(request, self.manage_permission)

    @action(
        description=_("Revoke"),
        permissions=["revoke"],
        dialog={
            "title": _("Revoke this key"),
            "description": _("The program that has it stops at once; there is no way back."),
            "form_class": BaseDialogForm,
            "form_submit_text": _("Revoke"),
        },
    )
    def revoke(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        revoke_key(self._row(request, object_id), acting_user=actor(request), now=utc_now())
        self.message_user(request, _("The key is revoked."))
        return leave_dialog(reverse("admin:accounts_apikey_change", args=[object_id]))
