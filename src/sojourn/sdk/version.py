"""The version of the SDK, as events carry it. A test compares it with the project file."""

VERSION = "0.1.0"
