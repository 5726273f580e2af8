"""Mixpanel's settings."""

from __future__ import annotations

from sojourn.destinations.options import Option

HOSTS = {"eu": "https://api-eu.mixpanel.com", "in": "https://api-in.mixpanel.com"}
"""By data residency; any other value is the United States."""

OPTIONS = (
    Option("token", "token", "the project's token", secret=True),
    Option("residency", "dataResidency", "where the project lives", choices=("us", "eu", "in")),
    Option(
        "identity_merge",
        "identityMergeApi",
        "how the project merges ids",
        choices=("original", "simplified"),
    ),
    Option("service_account", "serviceAccountUserName", "service account, instead of a token"),
    Option("service_secret", "serviceAccountSecret", "the service account's secret", secret=True),
    Option("project_id", "projectId", "the project, for a service account"),
    Option("strict", "strictMode", "let Mixpanel check imported events", "flag"),
    Option("new_mapping", "useNewMapping", "send $first_name and $last_name", "flag"),
    Option("drop_traits", "dropTraitsInTrackEvent", "no traits among a track's properties", "flag"),
    Option("increments", "propIncrements", "properties for $add", "names", "property"),
    Option("set_once", "setOnceProperties", "traits for $set_once", "names", "property"),
    Option("union", "unionProperties", "traits for $union", "names", "property"),
    Option("append", "appendProperties", "traits for $append", "names", "property"),
    Option("group_keys", "groupKeySettings", "traits that name a group", "names", "groupKey"),
    Option("custom_page_names", "useUserDefinedPageEventName", "use `page_name`", "flag"),
    Option("page_name", "userDefinedPageEventTemplate", "template of a page's event name"),
    Option("custom_screen_names", "useUserDefinedScreenEventName", "use `screen_name`", "flag"),
    Option("screen_name", "userDefinedScreenEventTemplate", "template of a screen's event name"),
    Option("deletion", "userDeletionApi", "how users are deleted", choices=("engage", "task")),
    Option("gdpr_token", "gdprApiToken", "token for deletion tasks", secret=True),
    Option("url", "baseUrl", "another host than Mixpanel's own, such as a proxy"),
)
