/* What pages need beyond HTMX: times in the viewer's zone, live parts, drawers, confirmation, keyboard. */
(() => {
  "use strict";
  const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));

  // --- Theme of pages without Alpine (errors, lock-out): the same choice as everywhere.
  const bareTheme = () => {
    if (!document.documentElement.hasAttribute("data-bare")) return;
    const chosen = (localStorage.getItem("_x_adminTheme") || "auto").replaceAll('"', "");
    const isDark = chosen === "dark" || (chosen === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
    document.documentElement.classList.toggle("dark", isDark);
  };
  bareTheme();

  // --- Times: relative in the text, exact in the viewer's zone on hover.
  const MINUTE = 60, HOUR = 3600, DAY = 86400;
  const span = (seconds) => {
    const whole = Math.floor(seconds);
    if (whole < MINUTE) return `${whole} s`;
    if (whole < HOUR) return `${Math.floor(whole / MINUTE)} m ${whole % MINUTE} s`;
    if (whole < DAY) return `${Math.floor(whole / HOUR)} h ${Math.floor((whole % HOUR) / MINUTE)} m`;
    return `${Math.floor(whole / DAY)} d ${Math.floor((whole % DAY) / HOUR)} h`;
  };
  const relative = (at) => {
    const seconds = (Date.now() - at.getTime()) / 1000;
    if (seconds >= 0 && seconds < 5) return "just now";
    return seconds >= 0 ? `${span(seconds)} ago` : `in ${span(-seconds)}`;
  };
  const zone = () => document.querySelector("[data-zone]")?.dataset.zone || undefined;
  const exact = (at) => {
    const format = (timeZone) => new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long", timeZone }).format(at);
    const utc = at.toISOString().slice(0, 19).replace("T", " ");
    try { return `${format(zone())} · ${utc} UTC`; } catch { return `${format(undefined)} · ${utc} UTC`; }
  };
  const clock = (at) => {
    const options = { dateStyle: "medium", timeStyle: "short" };
    try { return new Intl.DateTimeFormat(undefined, { ...options, timeZone: zone() }).format(at); } catch { return new Intl.DateTimeFormat(undefined, options).format(at); }
  };
  const writeTimes = (root = document) => {
    for (const element of all("time[datetime]", root)) {
      const at = new Date(element.getAttribute("datetime"));
      if (Number.isNaN(at.getTime())) continue;
      if (!element.dataset.exact) { element.title = exact(at); element.dataset.exact = "1"; }
      const text = element.dataset.clock === undefined ? relative(at) : clock(at);
      if (element.textContent !== text) element.textContent = text;
    }
  };

  // --- Live parts: `data-poll="15"` with hx-trigger="k-poll"; silent while the tab is hidden or someone works inside.
  const isBusy = (element) =>
    element.querySelector(":is(input, select, textarea):focus, dialog[open], details.k-menu[open]") !== null;
  const poll = () => {
    if (document.hidden) return;
    for (const element of all("[data-poll]:not([data-paused])")) {
      const last = Number(element.dataset.polledAt || 0) || performance.now();
      element.dataset.polledAt = String(last);
      if (performance.now() - last < Number(element.dataset.poll) * 1000 || isBusy(element)) continue;
      if (element.closest("dialog:not([open])")) continue;
      element.dataset.polledAt = String(performance.now());
      htmx.trigger(element, "k-poll");
    }
  };

  // --- A swap keeps focus, open details and the position of boxes that scroll.
  let kept = null;
  const keep = (target) => {
    kept = {
      focus: target.contains(document.activeElement) ? document.activeElement.id : "",
      open: all("details[open][id]", target).map((element) => element.id),
      scroll: all(".k-scroll[id]", target).map((element) => [element.id, element.scrollLeft]),
    };
  };
  const restore = () => {
    if (!kept) return;
    for (const id of kept.open) document.getElementById(id)?.setAttribute("open", "");
    for (const [id, left] of kept.scroll) { const box = document.getElementById(id); if (box) box.scrollLeft = left; }
    if (kept.focus && document.activeElement === document.body) document.getElementById(kept.focus)?.focus({ preventScroll: true });
    kept = null;
  };

  // --- A list that is followed (`hx-swap="k-merge"`): rows are sorted by `data-key`, newest first. A row that is there is
  // replaced where it stands, a new one goes where it belongs, and what somebody reads stays where it is.
  const readRow = (list) =>
    list.querySelector(":scope > tr:focus-within") || list.querySelector(":scope > tr:hover") ||
    (list.getBoundingClientRect().top < 0 ? all(":scope > tr", list).find((row) => row.getBoundingClientRect().bottom > 0) : null);
  const placeRow = (list, row) => {
    const known = document.getElementById(row.id);
    if (known && known.dataset.version === row.dataset.version) return null;
    if (known) { known.replaceWith(row); return row; }
    const next = all(":scope > tr[data-key]", list).find((other) => other.dataset.key < row.dataset.key);
    // What is older than a full list belongs to the next page.
    if (!next && list.children.length >= 50) return null;
    list.insertBefore(row, next || null);
    row.classList.add("k-fresh");
    return row;
  };
  const trimRows = (list) => {
    while (list.children.length > Number(list.dataset.keep)) list.lastElementChild.remove();
    const older = document.getElementById(list.dataset.older);
    if (!older || !list.lastElementChild) return;
    const address = new URL(older.href);
    address.searchParams.set("before", list.lastElementChild.dataset.key);
    older.href = address.href;
    older.hidden = false;
  };
  const tellAbove = (list) => {
    const note = list.closest("[data-poll]")?.querySelector("[data-to-top]");
    if (!note) return;
    const above = all(":scope > tr.k-fresh", list).filter((row) => row.getBoundingClientRect().bottom < 0).length;
    note.hidden = above === 0;
    note.textContent = `${above} new above`;
  };
  const mergeRows = (list, fragment) => {
    const fresh = fragment.querySelector("tbody");
    const anchor = readRow(list), stood = anchor?.getBoundingClientRect().top;
    const placed = all("tr[data-key]", fresh).map((row) => placeRow(list, row)).filter(Boolean);
    for (const row of all("tr[data-gone]", fresh)) {
      document.getElementById(row.dataset.gone)?.querySelector("[data-label=State]")?.replaceWith(row.firstElementChild);
    }
    const still = anchor && (anchor.isConnected ? anchor : document.getElementById(anchor.id));
    if (still) window.scrollBy({ top: still.getBoundingClientRect().top - stood, behavior: "instant" });
    if (!still && list.children.length > Number(list.dataset.keep)) trimRows(list);
    const since = list.closest("[data-poll]")?.querySelector("input[name=since]");
    if (since) since.value = fresh.dataset.since;
    tellAbove(list);
    announceRows(placed.filter((row) => row.classList.contains("k-fresh")).length);
    return placed;
  };
  const follow = (button) => {
    const isPaused = document.getElementById(button.dataset.follow).toggleAttribute("data-paused");
    button.closest(".k-card").toggleAttribute("data-paused", isPaused);
  };

  // --- Said aloud and shown: what an act without a page of its own did.
  const say = (text, tone) => {
    const box = document.getElementById("k-toast");
    if (!box) return;
    const note = document.createElement("div");
    note.className = "k-note";
    note.dataset.tone = tone;
    note.textContent = text;
    box.append(note);
    setTimeout(() => note.remove(), 8000);
  };

  // --- Said aloud and not shown: an answer that turned into another one (`data-announce` holds what it turns on), rows
  // that came. Not more often than somebody can listen to.
  const said = document.createElement("div");
  said.className = "k-visually-hidden";
  said.id = "k-said";
  said.setAttribute("role", "status");
  const SPEAK_EVERY = 10000;
  const stood = new Map();
  const announceAnswers = (root) => {
    for (const answer of all("[data-announce][id]", root)) {
      const before = stood.get(answer.id);
      stood.set(answer.id, answer.dataset.announce);
      if (before !== undefined && before !== answer.dataset.announce) said.textContent = answer.querySelector("h2")?.textContent || "";
    }
  };
  let newRows = 0, spokenAt = -SPEAK_EVERY;
  const announceRows = (count) => {
    newRows += count;
    if (!newRows || performance.now() - spokenAt < SPEAK_EVERY) return;
    said.textContent = newRows === 1 ? "1 new event" : `${newRows} new events`;
    spokenAt = performance.now();
    newRows = 0;
  };

  // --- A form that is watched says when what it shows is not saved; what mirrors it (`data-mirrors`) is behind until its
  // answer comes, and an answer that is on its way is of a form that is no more.
  const onTyped = (event) => {
    const form = event.target.closest?.("form[data-watch]");
    if (!form) return;
    form.dataset.dirty = "1";
    for (const mirror of all(`[data-mirrors="${form.id}"]`)) {
      mirror.toggleAttribute("data-behind", true);
      if (window.htmx) htmx.trigger(mirror, "htmx:abort");
    }
  };
  const onLeave = (event) => { if (document.querySelector("form[data-dirty]:not([data-is-sent])")) event.preventDefault(); };
  const fill = (button) => {
    const control = document.getElementById(button.dataset.fill);
    if (!control) return;
    control.value = button.dataset.value;
    control.dispatchEvent(new Event("input", { bubbles: true }));
  };

  // --- Destructive acts ask first: <form data-confirm="Delete rule X?" data-effect="…" data-verb="Delete">.
  const askFirst = (event) => {
    const form = event.target;
    const dialog = document.getElementById("k-confirm");
    if (!dialog || !form.dataset.confirm || form.dataset.isConfirmed) return;
    event.preventDefault();
    event.stopPropagation();
    dialog.querySelector("[data-title]").textContent = form.dataset.confirm;
    dialog.querySelector("[data-effect]").textContent = form.dataset.effect || "";
    const confirm = dialog.querySelector("[data-yes]");
    confirm.textContent = form.dataset.verb || "Delete";
    confirm.onclick = () => { form.dataset.isConfirmed = "1"; dialog.close(); form.requestSubmit(event.submitter || undefined); };
    dialog.showModal();
  };

  const onKey = (event) => {
    const isTyping = event.target.closest?.("input, textarea, select, [contenteditable]");
    if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) {
      const search = all("[data-search]").find((element) => element.offsetParent !== null);
      if (search) { event.preventDefault(); search.focus(); search.select(); }
    }
    if (event.key === "Escape") {
      for (const menu of all("details.k-menu[open]")) {
        menu.removeAttribute("open");
        if (menu.contains(document.activeElement)) menu.querySelector("summary").focus();
      }
      if (event.target.matches?.("[data-search]")) event.target.blur();
    }
  };

  const onClick = (event) => {
    for (const menu of all("details.k-menu[open]")) if (!menu.contains(event.target)) menu.removeAttribute("open");
    const close = event.target.closest("[data-close]");
    if (close) close.closest("dialog")?.close();
    if (event.target.matches("dialog.k-drawer")) event.target.close();
    const filling = event.target.closest("[data-fill]");
    if (filling) fill(filling);
    const following = event.target.closest("[data-follow]");
    if (following) follow(following);
    if (event.target.closest("[data-to-top]")) {
      window.scrollTo({ top: 0 });
      event.target.closest("[data-to-top]").hidden = true;
    }
    const copy = event.target.closest("[data-copy]");
    if (copy) {
      const text = document.getElementById(copy.dataset.copy)?.textContent.trim() || "";
      navigator.clipboard.writeText(text).then(() => say("Copied.", "good"), () => say("Copying was refused; select the text instead.", "warn"));
    }
  };

  // --- A radio or select that shows only its own fields: <div data-shown-for="kind:slack">.
  const showFields = () => {
    for (const element of all("[data-shown-for]")) {
      const [name, value] = element.dataset.shownFor.split(":");
      const control = document.querySelector(`select[name="${name}"], [name="${name}"]:checked, input[type=hidden][name="${name}"]`);
      const isShown = value.split(",").includes(control?.value);
      element.hidden = !isShown;
      for (const input of all("input, select, textarea", element)) input.disabled = !isShown;
    }
  };

  document.addEventListener("DOMContentLoaded", () => {
    document.body.append(said);
    announceAnswers(document);
    writeTimes();
    showFields();
    setInterval(() => { if (!document.hidden) writeTimes(); }, 10000);
    for (const link of all("#nav-sidebar a.active")) link.setAttribute("aria-current", "page");
    document.querySelector(".k-errors")?.focus();
    document.addEventListener("submit", askFirst, true);
    document.addEventListener("keydown", onKey);
    document.addEventListener("click", onClick);
    document.addEventListener("change", showFields);
    document.addEventListener("input", onTyped);
    document.addEventListener("k-composed", onTyped);
    document.addEventListener("submit", (event) => { if (!event.defaultPrevented) event.target.dataset.isSent = "1"; });
    window.addEventListener("beforeunload", onLeave);
    document.addEventListener("visibilitychange", () => { if (!document.hidden) writeTimes(); });
    if (window.htmx) startHtmx();
  });

  const startHtmx = () => {
    htmx.config.responseHandling = [
      { code: "204", swap: false },
      { code: "[23]..", swap: true },
      { code: "(400|409|422)", swap: true, error: false },
      { code: "...", swap: false, error: true },
    ];
    htmx.defineExtension("k-merge", {
      handleSwap: (style, target, fragment) => style === "k-merge" && mergeRows(target, fragment),
    });
    setInterval(poll, 1000);
    document.body.addEventListener("htmx:configRequest", (event) => {
      const token = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1];
      if (token) event.detail.headers["X-CSRFToken"] = token;
    });
    document.body.addEventListener("htmx:beforeSwap", (event) => keep(event.detail.target));
    document.body.addEventListener("htmx:afterSettle", (event) => {
      restore();
      announceAnswers(document);
      writeTimes(event.detail.elt.isConnected ? event.detail.elt : document);
      if (event.detail.target?.id === "k-drawer-content") {
        const drawer = document.getElementById("k-drawer");
        if (drawer && !drawer.open) drawer.showModal();
      }
    });
    document.body.addEventListener("htmx:afterSwap", (event) => event.detail.target?.removeAttribute("data-behind"));
    document.body.addEventListener("htmx:oobAfterSwap", (event) => writeTimes(event.detail.target));
    document.body.addEventListener("k-say", (event) => say(event.detail.text, event.detail.tone));
    const failed = (event) => {
      // A live part says in its own place that it is out of date, until it gets its answer; an act that failed is news.
      if (event.detail.elt.hasAttribute?.("data-poll")) { event.detail.elt.toggleAttribute("data-stale", true); return; }
      const status = event.detail.xhr?.status;
      say(status ? `That did not work (${status}). Nothing was changed.` : "The server did not answer. Try again.", "bad");
    };
    document.body.addEventListener("htmx:responseError", failed);
    document.body.addEventListener("htmx:sendError", failed);
    document.body.addEventListener("htmx:timeout", failed);
    document.body.addEventListener("htmx:afterOnLoad", (event) => { if (event.detail.successful) event.detail.elt.removeAttribute?.("data-stale"); });
  };
})();
