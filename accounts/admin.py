"""Pages of users, organisations, keys and jobs."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.password_validation import validate_password
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from accounts.choices import KeyState
from accounts.console_admin import (
    ConsoleAdmin,
    ConsoleInline,
    HistoryAdmin,
    ReadOnlyAdmin,
    actor,
    leave_dialog,
)
from accounts.evidence import file_link
from accounts.models import ApiKey, Job, Membership, Organisation, StoredFile, User
from accounts.permissions import SCOPES
from accounts.services.files import shown_size
from accounts.services.keys import key_state, keys_in, make_key, revoke_key
from accounts.services.users import change_user, create_user, grant_role, revoke_role
from common.time import utc_now


class MembershipInline(ConsoleInline):
    model = Membership
    fk_name = "user"
    fields = ("role",)
    view_permission = "users.view"
    manage_permission = "users.manage"
    verbose_name_plural = _("roles")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # a role is given or taken


class UserForm(forms.ModelForm):
    """A user with a new password, if one is typed."""

    new_password = forms.CharField(
        label=_("new password"),
        required=False,
        widget=forms.PasswordInput(render_value=False, attrs={"autocomplete": "new-password"}),
        help_text=_("empty = unchanged; a user without a password cannot sign in"),
    )

    class Meta:
        model = User
        fields = ("email", "name", "organisation", "time_zone", "is_active")

    def clean_new_password(self) -> str:
        password = str(self.cleaned_data["new_password"])
        if password:
            validate_password(password, self.instance)
        return password

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).strip().lower()


@admin.register(User)
class UserAdmin(HistoryAdmin):
    view_permission = "users.view"
    manage_permission = "users.manage"
    form = UserForm
    list_display = ("email", "name", "organisation", "role_names", "is_active", "last_login")
    list_filter = ("is_active", "organisation", "memberships__role")
    search_fields = ("email", "name")
    list_select_related = ("organisation",)
    inlines = (MembershipInline,)
    fields = ("email", "name", "organisation", "time_zone", "is_active", "new_password")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        # A new user is active.
        return [name for name in self.fields if obj is not None or name != "is_active"]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("memberships")

    @display(description=_("roles"))
    def role_names(self, user: User) -> str:
        return ", ".join(sorted(m.get_role_display() for m in user.memberships.all())) or "–"

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        # A user stays with the organisation (trigger).
        return ("organisation",) if obj is not None else ()

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        values = dict(form.cleaned_data)
        by = {"acting_user": actor(request), "now": utc_now()}
        password = values.pop("new_password") or None
        if change:
            change_user(obj, changed=form.changed_data, password=password, **by)
            return
        made = create_user(roles=[], password=password, **values, **by)
        obj.__dict__.update(made.__dict__)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        by = {"acting_user": actor(request), "now": utc_now()}
        rows = formset.save(commit=False)
        user: User = form.instance
        for gone in formset.deleted_objects:
            revoke_role(user, gone.role, **by)
        for row in rows:
            grant_role(user, row.role, **by)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # what a user did names them: users are made inactive


@admin.register(Organisation)
class OrganisationAdmin(HistoryAdmin):
    view_permission = "users.view"
    manage_permission = "users.manage"
    list_display = ("name", "kind", "time_zone", "created_at")
    list_filter = ("kind",)
    search_fields = ("name",)
    fields = ("name", "kind", "time_zone")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("kind",) if obj is not None else ()

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # vendors are made as vendors

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


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

    @display(
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


@admin.register(StoredFile)
class StoredFileAdmin(ReadOnlyAdmin):
    view_permission = "files.view"
    list_display = ("name", "organisation", "media_type", "shown_size", "stored_by", "stored_at")
    list_filter = ("media_type", "organisation")
    search_fields = ("name", "sha256")
    list_select_related = ("organisation", "stored_by")
    fields = ("link", "organisation", "media_type", "size", "sha256", "stored_by", "stored_at")
    readonly_fields = fields

    @display(description=_("size"), ordering="size")
    def shown_size(self, stored: StoredFile) -> str:
        return shown_size(stored.size)

    @display(description=_("file"))
    def link(self, stored: StoredFile) -> str:
        return file_link(stored)


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    view_permission = "routing.view"
    list_display = ("kind", "shown_state", "step", "progress", "requested_by", "created_at")
    list_filter = ("state", "kind")
    list_select_related = ("requested_by",)
    fields = (
        "kind",
        "state",
        "step",
        "done",
        "total",
        "result",
        "error",
        "requested_by",
        "created_at",
        "started_at",
        "heartbeat_at",
        "finished_at",
    )
    readonly_fields = fields

    @display(
        description=_("state"),
        ordering="state",
        label={"queued": "info", "running": "warning", "done": "success", "failed": "danger"},
    )
    def shown_state(self, job: Job) -> tuple[str, str]:
        return job.state, job.get_state_display()

    @display(description=_("progress"))
    def progress(self, job: Job) -> str:
        return f"{job.done:,} / {job.total:,}" if job.total else "–"
