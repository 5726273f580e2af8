// What the pages do beyond HTML: times in the reader's zone, theme, menu, copying, live updates.
"use strict";

const formats = {
  moment: new Intl.DateTimeFormat(undefined, {
    month: "short", day: "numeric", hour: "2-digit", minute: "2-digit",
  }),
  longAgo: new Intl.DateTimeFormat(undefined, {
    year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit",
  }),
  clock: new Intl.DateTimeFormat(undefined, {
    hour: "2-digit", minute: "2-digit", second: "2-digit",
  }),
};

/** Rewrite every <time> below `root` in the reader's zone; the exact time stays in its title. */
function localTimes(root) {
  for (const element of root.querySelectorAll("time[datetime]")) {
    const moment = new Date(element.dateTime);
    if (Number.isNaN(moment.getTime())) continue;
    const thisYear = moment.getFullYear() === new Date().getFullYear();
    const format = element.dataset.format === "clock" ? formats.clock
      : thisYear ? formats.moment : formats.longAgo;
    element.textContent = format.format(moment);
    element.title = element.dateTime;
  }
}

function themeToggle() {
  const button = document.querySelector("[data-theme-toggle]");
  button?.addEventListener("click", () => {
    const root = document.documentElement;
    const dark = root.dataset.theme
      ? root.dataset.theme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    try { localStorage.setItem("theme", root.dataset.theme); } catch { /* private browsing */ }
  });
}

function menu() {
  const button = document.querySelector(".menu-button");
  button?.addEventListener("click", () => {
    const open = document.body.classList.toggle("menu-open");
    button.setAttribute("aria-expanded", String(open));
  });
}

function copying() {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("[data-copy]");
    if (!button) return;
    let text = button.dataset.copy;
    if (!text) text = document.getElementById(button.dataset.copyFrom)?.textContent ?? "";
    if ("copyAbsolute" in button.dataset) text = new URL(text, location.href).href;
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Copying is not allowed here";
    }
  });
}

/** Forms that ask before they do what cannot be undone. */
function confirming() {
  document.addEventListener("submit", (event) => {
    const question = event.target.dataset?.confirm;
    if (question && !window.confirm(question)) event.preventDefault();
  });
}

/** Filters: leave out empty fields, so that the URL says only what was chosen. */
function tidyFilters() {
  for (const form of document.querySelectorAll("form.filters, form.tidy")) {
    form.addEventListener("submit", () => {
      for (const field of form.elements) if (field.name && !field.value) field.disabled = true;
      setTimeout(() => { for (const field of form.elements) field.disabled = false; });
    });
  }
}

/** Parts that take their time: fetched after the page is painted. */
function fragments() {
  for (const holder of document.querySelectorAll("[data-fragment]")) {
    fetchInto(holder, holder.dataset.fragment);
  }
}

async function fetchInto(holder, address) {
  try {
    const answer = await fetch(address);
    if (!answer.ok) throw new Error(String(answer.status));
    holder.innerHTML = await answer.text();
    localTimes(holder);
  } catch {
    holder.textContent = "This part did not come. Reload the page to try again.";
  }
  holder.removeAttribute("aria-busy");
}

/** Parts that are fetched again as long as they say that there is more to come. */
function watchedParts() {
  for (const holder of document.querySelectorAll("[data-watch]")) {
    const look = async () => {
      await fetchInto(holder, holder.dataset.watch);
      if (holder.querySelector("[data-unfinished]")) setTimeout(look, 1000);
    };
    look();
  }
}

/** Parts that are only fetched when somebody opens them. */
function lazyParts() {
  for (const details of document.querySelectorAll("details[data-lazy]")) {
    details.addEventListener("toggle", async () => {
      const holder = details.querySelector("div");
      holder.setAttribute("aria-busy", "true");
      await fetchInto(holder, details.dataset.lazy);
      details.dataset.fetched = "";
    }, { once: true });
  }
}

/** Live parts: the server sends the HTML of a part by its name whenever it has changed. */
function liveParts() {
  const holder = document.querySelector("[data-live]");
  if (!holder) return;
  const state = document.querySelector("[data-live-state]");
  const pause = document.querySelector("[data-live-pause]");
  let stream = null;
  const say = (text, on) => {
    if (!state) return;
    state.textContent = text;
    state.classList.toggle("on", on);
  };
  const begin = () => {
    stream = new EventSource(holder.dataset.live);
    stream.addEventListener("open", () => say("live", true));
    stream.addEventListener("error", () => say("the connection is gone; trying again", false));
    stream.addEventListener("part", (event) => {
      const { name, html } = JSON.parse(event.data);
      const part = holder.querySelector(`[data-part="${CSS.escape(name)}"]`);
      if (!part) return;
      part.innerHTML = html;
      localTimes(part);
    });
  };
  pause?.addEventListener("click", () => {
    if (stream) {
      stream.close();
      stream = null;
      say("paused", false);
    } else begin();
    pause.textContent = stream ? "Pause" : "Go on";
  });
  addEventListener("pagehide", () => stream?.close());
  begin();
}

/** The funnel's steps: add and remove fields. */
function steps() {
  const list = document.querySelector("[data-steps]");
  if (!list) return;
  document.querySelector("[data-step-add]")?.addEventListener("click", () => {
    const items = list.querySelectorAll("li");
    const item = items[items.length - 1].cloneNode(true);
    item.querySelector("input").value = "";
    list.append(item);
    renumber();
    item.querySelector("input").focus();
  });
  list.addEventListener("click", (event) => {
    const button = event.target.closest("[data-step-remove]");
    if (!button || list.children.length < 3) return;
    button.closest("li").remove();
    renumber();
  });
  const renumber = () => {
    for (const [place, item] of [...list.children].entries()) {
      item.querySelector("input").setAttribute("aria-label", `Step ${place + 1}`);
    }
  };
}

localTimes(document);
themeToggle();
menu();
copying();
confirming();
tidyFilters();
fragments();
watchedParts();
lazyParts();
liveParts();
steps();
