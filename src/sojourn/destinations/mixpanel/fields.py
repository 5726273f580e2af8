"""Which property of a Mixpanel event or profile comes from where, as data."""

from __future__ import annotations

from sojourn.destinations.mapping import Row, compiled

EVENT: tuple[Row, ...] = (
    ("ip", "context.ip", "request_ip"),
    ("campaign_id", "context.campaign.name"),
    ("$user_id", "userId"),
    ("$current_url", "context.page.url"),
    ("$referrer", "context.page.referrer"),
    ("$initial_referrer", "context.page.initial_referrer", "context.page.initialReferrer"),
    (
        "$initial_referring_domain",
        "context.page.initial_referring_domain",
        "context.page.initialReferringDomain",
    ),
    ("$os", "context.os.name"),
    ("$os_version", "context.os.version"),
    ("$screen_height", "context.screen.height"),
    ("$screen_width", "context.screen.width"),
    ("$screen_dpi", "context.screen.density"),
    ("$carrier", "context.network.carrier"),
    ("$wifi", "context.network.wifi"),
    ("$bluetooth_enabled", "context.network.bluetooth"),
    ("$device", "context.device.name"),
    ("$manufacturer", "context.device.manufacturer"),
    ("$model", "context.device.model"),
    ("mp_device_model", "context.device.model"),
    ("mp_lib", "context.library.name"),
    ("$app_build_number", "properties.appBuildNumber", "context.app.build"),
    ("$app_version_string", "properties.appVersionString", "context.app.version"),
    ("$app_name", "context.app.name"),
    ("$app_namespace", "context.app.namespace"),
    ("$brand", "properties.brand", "device.manufacturer"),
    ("$bluetooth_version", "properties.bluetoothVersion"),
    ("mp_processing_time_ms", "properties.mpProcessingTimeMs"),
    ("$radio", "properties.radio"),
    ("$lib_version", "properties.libVersion"),
    ("$search_engine", "properties.searchEngine"),
    ("mp_keyword", "properties.mpKeyword"),
    ("$has_nfc", "properties.hasNfc"),
    ("$has_telephone", "properties.hasTelephone"),
    ("$google_play_services", "properties.googlePlayServices"),
)

_PERSON: dict[str, tuple[str, ...]] = {
    "$created": ("createdAt",),
    "$email": ("email",),
    "$first_name": ("firstName", "firstname", "first_name"),
    "$last_name": ("lastName", "lastname", "last_name"),
    "$name": ("name",),
    "$username": ("username", "userName"),
    "$phone": ("phone",),
    "$avatar": ("avatar",),
    "$unsubscribed": ("unsubscribed",),
}
"""Traits of a person, by their names at the root, in `traits` and in `context.traits`."""


def _person(target: str, names: tuple[str, ...]) -> Row:
    prefixes = ("", "traits.", "context.traits.")
    if target == "$username":
        # Mixpanel's mapping asks for each spelling in both places before the next one.
        rest = [prefix + name for name in names for prefix in prefixes[1:]]
        return (target, *names, *rest)
    row = (target, *(prefix + name for prefix in prefixes for name in names))
    if target == "$email":
        return (*row, "properties.email", "context.externalId.0.id")
    return (*row, "properties.unsubscribed") if target == "$unsubscribed" else row


PROFILE: tuple[Row, ...] = (
    *(_person(target, names) for target, names in _PERSON.items()),
    (
        "$country_code",
        "country",
        "address.country",
        "traits.address.country",
        "context.traits.address.country",
        "traits.country",
        "context.traits.country",
        "context.location.country",
    ),
    (
        "$city",
        "city",
        "address.city",
        "traits.city",
        "context.traits.city",
        "traits.address.city",
        "context.traits.address.city",
        "context.location.city",
    ),
    (
        "$region",
        "state",
        "address.state",
        "location.region",
        "traits.state",
        "context.traits.state",
        "traits.address.state",
        "context.traits.address.state",
        "context.location.region",
    ),
    ("$geo_source", "location.geoSource", "context.location.geoSource"),
    ("$timezone", "context.location.timezone"),
    ("$latitude", "context.location.latitude"),
    ("$longitude", "context.location.longitude"),
    ("$carrier", "context.network.carrier"),
    ("$manufacturer", "context.device.manufacturer"),
    ("$model", "context.device.model"),
    ("$screen_height", "context.screen.height"),
    ("$screen_width", "context.screen.width"),
    ("$wifi", "context.network.wifi"),
    ("$initial_referrer", "context.page.initial_referrer", "context.page.initialReferrer"),
    (
        "$initial_referring_domain",
        "context.page.initial_referring_domain",
        "context.page.initialReferringDomain",
    ),
)

IOS: tuple[Row, ...] = (
    ("$os", "context.os.name"),
    ("$ios_device_model", "context.device.model"),
    ("$ios_version", "context.os.version"),
    ("$ios_app_release", "context.app.version"),
    ("$ios_app_version", "context.app.build"),
    ("$ios_lib_version", "properties.iosLibVersion"),
)

ANDROID: tuple[Row, ...] = (
    ("$os", "context.os.name"),
    ("$android_model", "context.device.model"),
    ("$android_os_version", "context.os.version"),
    ("$android_manufacturer", "context.device.manufacturer"),
    ("$android_app_version", "context.app.version"),
    ("$android_app_version_code", "context.app.build"),
    ("$android_lib_version", "properties.androidLibVersion"),
    ("$android_brand", "properties.androidBrand", "context.device.manufacturer"),
)

STANDARD_TRAITS = frozenset(
    {name for names in _PERSON.values() for name in names} | {"address", "country", "city", "state"}
)
"""Traits that have a property of Mixpanel's own, and so do not go under their own names."""

APPLE = frozenset({"ios", "watchos", "ipados", "tvos"})


def _at_root(row: Row) -> Row:
    """The row for an object that holds traits only: each source without its prefix."""
    target, *sources = row
    roots = dict.fromkeys(
        source.removeprefix("context.").removeprefix("traits.") for source in sources
    )
    return (target, *roots)


map_event = compiled(EVENT)
map_profile = compiled(PROFILE)
map_traits = compiled([_at_root(row) for row in PROFILE])
map_ios = compiled(IOS)
map_android = compiled(ANDROID)
