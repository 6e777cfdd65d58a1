"""The base of every console page: services write, permissions come from the one table.

A form that a service refuses is shown again with the reason at its field and everything that was
typed. Deleting several rows at once is off. History pages show only rows that the page itself may
show.
"""

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

from django.contrib.admin.views.main import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, models, transaction
from django.forms import ModelForm
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseNotAllowed,
    StreamingHttpResponse,
)
from django.shortcuts import redirect
from django.urls import path
from django.utils.html import escape
from simple_history.admin import SimpleHistoryAdmin
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display

from accounts.access import scoped
from accounts.form_fields import WORD_LISTS, MoneyField, WordsField
from accounts.list_export import Noted, csv_lines, xlsx_file
from accounts.models import User
from accounts.permissions import can
from accounts.services.records import delete_record, rule_of, save_record
from common.errors import AppError, Invalid
from common.time import utc_now

REFUSAL = "_refusal"


def actor(request: HttpRequest) -> User:
    """Return who is signed in."""
    if not isinstance(request.user, User):
        raise Http404
    return request.user


def leave_dialog(url: str) -> HttpResponse:
    """Go on from a dialog: an ordinary redirect would leave it open."""
    answer = HttpResponse()
    answer["HX-Redirect"] = url
    return answer


XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class Badge(tuple[Any, Any]):
    """A word with the value that its colour goes by; the page of one row shows the word alone."""

    def __html__(self) -> str:
        return escape(self[1])


def badge(*, description: Any, label: Any, ordering: str | None = None) -> Callable[..., Any]:
    """Show what a method returns, (value, word), as a coloured word in lists.

    Without this a page of one row would show the pair as Python writes it.
    """

    def wrap(of: Callable[..., tuple[Any, Any]]) -> Any:
        @wraps(of)
        def shown(self: Any, row: Any) -> Badge:
            return Badge(of(self, row))

        return display(description=description, ordering=ordering, label=label)(shown)

    return wrap


class _ByTable:
    """Permissions of pages and inlines from the one table."""

    view_permission = ""
    manage_permission: str | None = None

    def _may(self, request: HttpRequest, permission: str | None) -> bool:
        user = request.user
        return permission is not None and isinstance(user, User) and can(user, permission)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self._may(request, self.view_permission)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, self.view_permission)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, self.manage_permission)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, self.manage_permission)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, self.manage_permission)


class _Typed:
    """Money and lists of words are typed as people write them."""

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name.endswith("_micro"):
            return db_field.formfield(form_class=MoneyField)
        if db_field.name in WORD_LISTS:
            return db_field.formfield(form_class=WordsField)
        return super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]


class _Scoped:
    """Rows come by the one road to tenant data, those that a field offers as well."""

    def get_queryset(self, request: HttpRequest) -> Any:
        return scoped(super().get_queryset(request), actor(request))  # type: ignore[misc]

    def get_field_queryset(self, db: Any, db_field: Any, request: HttpRequest) -> Any:
        model = db_field.remote_field.model
        rows = super().get_field_queryset(db, db_field, request)  # type: ignore[misc]
        return scoped(model._default_manager.all() if rows is None else rows, actor(request))


class ConsoleAdmin(_Scoped, _Typed, _ByTable, ModelAdmin):  # type: ignore[misc, type-arg]
    """A page whose save and delete call services.

    `save_service(record, changed, acting_user, now)` may be given; else the record is saved as it
    stands, with its event.
    """

    list_per_page = 50
    show_full_result_count = False
    warn_unsaved_form = True
    compressed_fields = True
    list_filter_submit = True
    list_after_template = "admin/export_links.html"
    save_service: Callable[..., Any] | None = None

    def get_urls(self) -> list[Any]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_export"
        own = [
            path(
                f"export-{kind}/",
                self.admin_site.admin_view(partial(self.export_view, kind=kind)),
                name=f"{name}_{kind}",
            )
            for kind in ("csv", "xlsx")
        ]
        return [*own, *super().get_urls()]

    def prepare_rows(self, rows: list[Any]) -> None:
        """Read what the list shows beside its rows, for all of some rows at once."""

    def export_view(self, request: HttpRequest, kind: str) -> HttpResponseBase:
        """Return the list as a file: the rows that its filters leave, the columns it shows."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method != "GET":
            return HttpResponseNotAllowed(["GET"])
        try:
            found = self.get_changelist_instance(request)
        except IncorrectLookupParameters as error:
            raise Http404 from error
        columns = [name for name in found.list_display if name != "action_checkbox"]
        name, filters = self.opts.model_name, set(request.GET) - {"e", "o", "p", "all"}
        noted = Noted(f"{self.opts.app_label}.{name}", kind, filters, actor(request))
        answer: HttpResponseBase
        if kind == "csv":
            lines = csv_lines(self, columns, found.queryset, noted)
            answer = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
        else:
            try:
                file = xlsx_file(self, columns, found.queryset, noted)
            except AppError as error:
                self.message_user(request, str(error), level="error")
                return redirect(f"../?{request.GET.urlencode()}")
            answer = FileResponse(file, content_type=XLSX)
        answer["Content-Disposition"] = f'attachment; filename="{name}.{kind}"'
        answer["Cache-Control"] = "no-store"
        answer["X-Content-Type-Options"] = "nosniff"
        return answer

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> type[ModelForm]:
        form: type[ModelForm] = super().get_form(request, obj, change, **kwargs)
        refusal: AppError | None = getattr(request, REFUSAL, None)
        if refusal is None:
            return form

        class Refused(form):  # type: ignore[misc, valid-type]
            """The same form, with what the service said."""

            def clean(self) -> Any:
                data = super().clean()
                field = getattr(refusal, "field", "")
                self.add_error(field if field in self.fields else None, str(refusal))
                return data

        return Refused

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        try:
            with transaction.atomic():
                return super().changeform_view(request, object_id, form_url, extra_context)
        except AppError as error:
            setattr(request, REFUSAL, error)
        except IntegrityError as error:
            setattr(request, REFUSAL, Invalid(rule_of(error), rule="constraint"))
        return super().changeform_view(request, object_id, form_url, extra_context)

    def _row(self, request: HttpRequest, object_id: str) -> Any:
        """Return the row that an action names; one that this page does not show is missing."""
        try:
            return self.get_queryset(request).get(pk=object_id)
        except (self.model.DoesNotExist, ValueError, ValidationError) as error:
            raise Http404 from error

    def carry_out(self, request: HttpRequest, do: Callable[[], Any]) -> None:
        """Call what an action does and tell its words, or those of the refusal."""
        try:
            self.message_user(request, str(do()))
        except AppError as error:
            self.message_user(request, str(error), level="error")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        changed = list(form.changed_data)
        if self.save_service is not None:
            type(self).save_service(  # type: ignore[misc]
                obj, changed=changed, acting_user=actor(request), now=utc_now()
            )
            return
        save_record(
            obj,
            permission=self.manage_permission or "",
            changed=changed,
            acting_user=actor(request),
            now=utc_now(),
        )

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        rows = formset.save(commit=False)
        permission = self.manage_permission or ""
        for gone in formset.deleted_objects:
            delete_record(gone, permission=permission, acting_user=actor(request), now=utc_now())
        changed = {id(row): list(fields) for row, fields in formset.changed_objects}
        for row in rows:
            self.save_row(request, row, permission, changed.get(id(row)))
        formset.save_m2m()

    def save_row(
        self, request: HttpRequest, row: models.Model, permission: str, changed: list[str] | None
    ) -> None:
        """Save one row of an inline; `changed` names its changed fields, None = a new row."""
        save_record(
            row, permission=permission, changed=changed, acting_user=actor(request), now=utc_now()
        )

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        delete_record(
            obj,
            permission=self.manage_permission or "",
            acting_user=actor(request),
            now=utc_now(),
        )

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        raise PermissionDenied  # records are deleted one by one, by the service

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        try:
            return super().delete_view(request, object_id, extra_context)
        except AppError as error:
            self.message_user(request, str(error), level="error")
            return self.response_post_save_change(request, self.get_object(request, object_id))


class HistoryAdmin(SimpleHistoryAdmin, ConsoleAdmin):  # type: ignore[misc]
    """A configuration record: who changed what, when, stands behind its History button."""

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        self._seen(request, object_id)
        return super().history_view(request, object_id, extra_context)

    def history_form_view(
        self,
        request: HttpRequest,
        object_id: str,
        version_id: str,
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        self._seen(request, object_id)
        if request.method not in ("GET", "HEAD"):
            # SIMPLE_HISTORY_REVERT_DISABLED hides the button; the address would still revert.
            raise PermissionDenied
        return super().history_form_view(request, object_id, version_id, extra_context)

    def _seen(self, request: HttpRequest, object_id: str) -> None:
        # History pages do not go through get_queryset: ask it here.
        if not self.get_queryset(request).filter(pk=object_id).exists():
            raise Http404


class ReadOnlyAdmin(ConsoleAdmin):
    """Rows that only the system writes."""

    manage_permission = None

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ConsoleInline(_Scoped, _Typed, _ByTable, TabularInline):  # type: ignore[misc, type-arg]
    """Rows of another table on a record's page; `related` are read with them."""

    extra = 0
    tab = True
    show_count = True
    related: tuple[str, ...] = ()

    def get_queryset(self, request: HttpRequest) -> Any:
        rows = super().get_queryset(request)
        return rows.select_related(*self.related) if self.related else rows
