// What a page of the differential test does with the official JavaScript SDK: one step of a
// script at a time, under a clock that stands still. Returns what the step shows.
(() => {
  const given = (value) => value !== null && value !== undefined;
  const decode = (text) => {
    let value = text;
    while (typeof value === "string" && value.startsWith('"')) value = JSON.parse(value);
    value = value.replace(/^RS_ENC_v3_/, "");
    return JSON.parse(value.startsWith("{") ? value : atob(value));
  };
  const stored = () => {
    const cookie = document.cookie.split("; ").find((one) => one.startsWith("rl_session="));
    const text = cookie
      ? decodeURIComponent(cookie.slice("rl_session=".length))
      : localStorage.getItem("rl_session") ?? sessionStorage.getItem("rl_session");
    return text ? decode(text) : null;
  };
  const source = { id: "s", name: "s", config: {}, destinations: [] };
  source.config.statsCollection = { errors: { enabled: false }, metrics: { enabled: false } };

  let sdk;
  const launch = (config) =>
    new Promise((resolve) => {
      const options = { sessions: {}, logLevel: "NONE", onLoaded: () => resolve({ see: [] }) };
      options.getSourceConfig = () => ({ source });
      if (given(config.auto_track)) options.sessions.autoTrack = config.auto_track;
      if (given(config.timeout_ms)) options.sessions.timeout = config.timeout_ms;
      if (given(config.cut_off_ms) || given(config.cut_off_enabled)) {
        const enabled = given(config.cut_off_enabled) ? config.cut_off_enabled : true;
        options.sessions.cutOff = { enabled, duration: config.cut_off_ms };
      }
      if (config.storage) options.storage = { type: config.storage };
      if (config.pre_consent) {
        options.consentManagement = { enabled: true, provider: "custom" };
        options.preConsent = { enabled: true, storage: { strategy: config.pre_consent } };
        options.preConsent.events = { delivery: "immediate" };
      }
      sdk = new window.rudderanalytics.RudderAnalytics();
      sdk.load("abcdefghijklmnopqrstuvwxyz1", "https://data.example.test", options);
    });

  const call = (name, args) => {
    let event;
    const options = "context" in args ? { context: args.context } : undefined;
    const took = (one) => (event = JSON.parse(JSON.stringify(one)));
    const user = "user_id" in args ? args.user_id : "user";
    if (name === "track") sdk.track(args.name || "Named", {}, options, took);
    if (name === "page") sdk.page("", "Named", {}, options, took);
    if (name === "identify") sdk.identify(user, {}, options, took);
    if (name === "group") sdk.group("group", {}, options, took);
    if (name === "alias") sdk.alias(user, "before", options, took);
    const see = {};
    for (const key of ["sessionId", "sessionStart"]) {
      if (given(event.context[key])) see[key] = event.context[key];
    }
    return { see, also: { anon: event.anonymousId, user: event.userId } };
  };

  const controls = {
    session_id: () => ({ see: sdk.getSessionId() }),
    start_session: (args) => void ("id" in args ? sdk.startSession(args.id) : sdk.startSession()),
    end_session: () => void sdk.endSession(),
    reset: (args) => void sdk.reset("options" in args ? args.options : args.anonymous_id),
    consent: () => void sdk.consent({ consentManagement: { allowedConsentIds: ["a"] } }),
    set_custom_context: (args) => void sdk.setCustomContext(args.context),
    clear_custom_context: () => void sdk.clearCustomContext(),
    clear_storage: () => void (localStorage.clear(), sessionStorage.clear()),
    launch,
  };

  window.play = async (now, name, args) => {
    window.setClock(now);
    const shown = (await (controls[name] ?? ((given) => call(name, given)))(args)) ?? {};
    await new Promise((resolve) => setTimeout(resolve, 0));
    return { ...shown, also: { ...shown.also, stored: stored() } };
  };
})();
