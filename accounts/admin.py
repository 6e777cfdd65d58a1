"""Pages of users, organisations, keys and jobs."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from accounts.console_admin import ConsoleInline, HistoryAdmin, ReadOnlyAdmin, actor
from accounts.evidence import file_link
from accounts.models import ApiKey, Job, Membership, Organisation, StoredFile, User
from accounts.services.files import shown_size
from accounts.services.records import save_record
from accounts.services.users import grant_role, revoke_role
from common.time import utc_now


class MembershipInline(ConsoleInline):
    model = Membership
    fk_name = "user"
    fields = ("role",)
    view_permission = "users.view"
    manage_permission = "users.manage"
    verbose_name_plural = _("roles")


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

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("memberships")

    @display(description=_("roles"))
    def role_names(self, user: User) -> str:
        return ", ".join(sorted(m.get_role_display() for m in user.memberships.all())) or "–"

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        # A user stays with the organisation (trigger).
        return ("organisation",) if obj is not None else ()

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        password = form.cleaned_data.get("new_password")
        if password:
            obj.set_password(password)
        elif not change:
            obj.set_unusable_password()
        save_record(
            obj,
            permission="users.manage",
            changed=form.changed_data,
            acting_user=actor(request),
            now=utc_now(),
        )

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


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    view_permission = "keys.manage"
    list_display = ("name", "prefix", "user", "expires_at", "revoked_at", "last_used_at")
    search_fields = ("name", "prefix", "user__email")
    list_select_related = ("user",)
    fields = (
        "name",
        "prefix",
        "user",
        "scopes",
        "created_at",
        "created_by",
        "expires_at",
        "revoked_at",
        "last_used_at",
    )
    readonly_fields = fields


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
