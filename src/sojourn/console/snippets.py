"""What to paste into a site, an app or a program, for each official SDK and for our own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

KEY: Final = "{{WRITE_KEY}}"
URL: Final = "{{DATA_PLANE_URL}}"


@dataclass(frozen=True)
class Snippet:
    """Code for one SDK."""

    sdk: str
    install: str
    code: str


_SNIPPETS: Final = (
    Snippet(
        "JavaScript",
        "npm install @rudderstack/analytics-js",
        """import { RudderAnalytics } from "@rudderstack/analytics-js/bundled";

const analytics = new RudderAnalytics();
analytics.load("{{WRITE_KEY}}", "{{DATA_PLANE_URL}}", {
  configUrl: "{{DATA_PLANE_URL}}",
});
analytics.page();""",
    ),
    Snippet(
        "Python (Sojourn)",
        "pip install sojourn",
        """from sojourn import Client

with Client("{{WRITE_KEY}}", "{{DATA_PLANE_URL}}", profile="desktop") as client:
    client.track("Report Opened", {"pages": 3})""",
    ),
    Snippet(
        "Android",
        "implementation 'com.rudderstack.android.sdk:core:1.28.0'",
        """RudderClient.getInstance(
    this, "{{WRITE_KEY}}",
    RudderConfig.Builder()
        .withDataPlaneUrl("{{DATA_PLANE_URL}}")
        .withControlPlaneUrl("{{DATA_PLANE_URL}}")
        .withTrackLifecycleEvents(true)
        .build()
)""",
    ),
    Snippet(
        "iOS",
        "pod 'Rudder'",
        """RSConfigBuilder *builder = [[RSConfigBuilder alloc] init];
[builder withDataPlaneUrl:@"{{DATA_PLANE_URL}}"];
[builder withControlPlaneUrl:@"{{DATA_PLANE_URL}}"];
[builder withTrackLifecycleEvens:YES];
[RSClient getInstance:@"{{WRITE_KEY}}" config:[builder build]];""",
    ),
    Snippet(
        "Kotlin",
        'implementation("com.rudderstack.sdk.kotlin:android:1.6.0")',
        """val analytics = Analytics(
    configuration = Configuration(
        application = this,
        writeKey = "{{WRITE_KEY}}",
        dataPlaneUrl = "{{DATA_PLANE_URL}}",
        controlPlaneUrl = "{{DATA_PLANE_URL}}",
    )
)""",
    ),
    Snippet(
        "Swift",
        "https://github.com/rudderlabs/rudder-sdk-swift",
        """let analytics = Analytics(configuration: Configuration(
    writeKey: "{{WRITE_KEY}}",
    dataPlaneUrl: "{{DATA_PLANE_URL}}",
    controlPlaneUrl: "{{DATA_PLANE_URL}}"
))""",
    ),
    Snippet(
        "Flutter",
        "flutter pub add rudder_sdk_flutter",
        """import 'package:rudder_sdk_flutter/RudderController.dart';
import 'package:rudder_sdk_flutter_platform_interface/platform.dart';

final config = RudderConfigBuilder()
  ..withDataPlaneUrl("{{DATA_PLANE_URL}}")
  ..withControlPlaneUrl("{{DATA_PLANE_URL}}");
RudderController.instance.initialize("{{WRITE_KEY}}", config: config.build());""",
    ),
    Snippet(
        "React Native",
        "npm install @rudderstack/rudder-sdk-react-native",
        """import rudderClient from "@rudderstack/rudder-sdk-react-native";

await rudderClient.setup("{{WRITE_KEY}}", {
  dataPlaneUrl: "{{DATA_PLANE_URL}}",
  controlPlaneUrl: "{{DATA_PLANE_URL}}",
  trackAppLifecycleEvents: true,
});""",
    ),
    Snippet(
        "Node",
        "npm install @rudderstack/rudder-sdk-node",
        """const RudderAnalytics = require("@rudderstack/rudder-sdk-node");
const client = new RudderAnalytics("{{WRITE_KEY}}", { dataPlaneUrl: "{{DATA_PLANE_URL}}" });
client.track({ userId: "user-1", event: "Report Opened" });""",
    ),
    Snippet(
        "Python (RudderStack)",
        "pip install rudder-sdk-python",
        """import rudderstack.analytics as analytics

analytics.write_key = "{{WRITE_KEY}}"
analytics.dataPlaneUrl = "{{DATA_PLANE_URL}}"
analytics.track("user-1", "Report Opened")""",
    ),
    Snippet(
        "HTTP",
        "any language",
        """curl {{DATA_PLANE_URL}}/v1/track -u "{{WRITE_KEY}}:" \\
  -H "Content-Type: application/json" \\
  -d '{"userId": "user-1", "event": "Report Opened"}'""",
    ),
)


def snippets(write_key: str, data_plane_url: str) -> Sequence[Snippet]:
    """All snippets, with this key and URL filled in."""
    return [
        Snippet(
            one.sdk,
            one.install,
            one.code.replace(KEY, write_key).replace(URL, data_plane_url),
        )
        for one in _SNIPPETS
    ]
