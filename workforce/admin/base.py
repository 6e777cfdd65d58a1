"""What the pages of people share."""


class People:
    view_permission = "people.view"
    manage_permission = "people.manage"
