"""Policies of a project: export as YAML, import as a draft, publish."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from accounts.services.users import system_user
from common.errors import AppError
from common.time import utc_now
from routing.choices import PolicyState
from routing.models import Policy, Project
from routing.services.policies import (
    create_draft,
    default_document,
    parse_yaml,
    publish_policy,
    to_yaml,
)


class Command(BaseCommand):
    """`manage.py policy export|import|publish --project KEY`."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=["export", "import", "publish"])
        parser.add_argument("--file", type=Path, help="to read (import) or write (export)")
        parser.add_argument("--project", required=True, metavar="KEY")
        parser.add_argument("--version-number", type=int, metavar="V", help="default: the last")
        parser.add_argument("--user", metavar="E-MAIL", help="who acts; default a system user")
        parser.add_argument("--note", default="", help="what changed")
        parser.add_argument(
            "--not-safety-critical",
            action="store_true",
            help="import: the policy covers no safety-critical work, one person may publish it",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        project = Project.objects.filter(key=options["project"]).first()
        if project is None:
            raise CommandError(f"There is no project {options['project']}.")
        try:
            getattr(self, f"do_{options['action']}")(project, options)
        except (AppError, OSError, UnicodeDecodeError) as error:
            raise CommandError(str(error)) from error

    def user(self, options: dict[str, Any]) -> User:
        if not options["user"]:
            return system_user("system.policies")
        user = User.objects.filter(email=options["user"].strip().lower()).first()
        if user is None:
            raise CommandError(f"There is no user {options['user']}.")
        return user

    def policy(self, project: Project, options: dict[str, Any]) -> Policy:
        rows = Policy.objects.filter(project=project)
        if options["version_number"] is not None:
            rows = rows.filter(version=options["version_number"])
        policy = rows.order_by("-version").first()
        if policy is None:
            raise CommandError(f"{project.key} has no such policy.")
        return policy

    def do_export(self, project: Project, options: dict[str, Any]) -> None:
        rows = Policy.objects.filter(project=project, state=PolicyState.PUBLISHED)
        policy = rows.first() if options["version_number"] is None else None
        text = to_yaml((policy or self.policy(project, options)).document)
        if options["file"]:
            options["file"].write_text(text, encoding="utf-8")
        else:
            self.stdout.write(text)

    def do_import(self, project: Project, options: dict[str, Any]) -> None:
        path = options["file"]
        document = parse_yaml(path.read_text(encoding="utf-8")) if path else default_document()
        policy = create_draft(
            project,
            document,
            note=options["note"],
            covers_safety_critical=not options["not_safety_critical"],
            acting_user=self.user(options),
            now=utc_now(),
        )
        self.stdout.write(f"Version {policy.version} is a draft of {project.key}.")

    def do_publish(self, project: Project, options: dict[str, Any]) -> None:
        policy = self.policy(project, options)
        publish_policy(policy, acting_user=self.user(options), now=utc_now())
        self.stdout.write(f"Version {policy.version} of {project.key} is in force.")
