"""Reading out stored files."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET

from accounts.models import User
from accounts.services.files import FileDamaged, read_file
from common.errors import NotFound
from common.time import utc_now


@require_GET
@login_required
def download(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Send a file as an attachment; missing, and another organisation's, look the same."""
    if not isinstance(request.user, User):
        raise Http404
    try:
        stored, data = read_file(public_id, acting_user=request.user, now=utc_now())
    except NotFound as error:
        raise Http404 from error
    except FileDamaged as error:
        return HttpResponse(str(error), status=error.status, content_type="text/plain")
    return HttpResponse(
        data,
        content_type=stored.media_type,
        headers={
            "Content-Disposition": content_disposition_header(True, stored.name) or "attachment",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cache-Control": "private, no-store",
        },
    )
