"""Pages of users and organisations."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.password_validation import validate_password
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from accounts.console_admin import ConsoleInline, HistoryAdmin, actor
from accounts.models import Membership, Organisation, User
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
