"""The annotators' own pages at /queue/: what they hold, do, and what is known of their work.

No part of the admin: whoever is at home there alone never gets in here, and the other way round.
"""
