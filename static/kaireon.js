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
    for (const element of all("[data-poll]")) {
      const last = Number(element.dataset.polledAt || 0) || performance.now();
      element.dataset.polledAt = String(last);
      if (performance.now() - last < Number(element.dataset.poll) * 1000 || isBusy(element)) continue;
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
    writeTimes();
    showFields();
    setInterval(() => { if (!document.hidden) writeTimes(); }, 10000);
    for (const link of all("#nav-sidebar a.active")) link.setAttribute("aria-current", "page");
    document.querySelector(".k-errors")?.focus();
    document.addEventListener("submit", askFirst, true);
    document.addEventListener("keydown", onKey);
    document.addEventListener("click", onClick);
    document.addEventListener("change", showFields);
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
    setInterval(poll, 1000);
    document.body.addEventListener("htmx:configRequest", (event) => {
      const token = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1];
      if (token) event.detail.headers["X-CSRFToken"] = token;
    });
    document.body.addEventListener("htmx:beforeSwap", (event) => keep(event.detail.target));
    document.body.addEventListener("htmx:afterSettle", (event) => {
      restore();
      writeTimes(event.detail.elt.isConnected ? event.detail.elt : document);
      if (event.detail.target?.id === "k-drawer-content") {
        const drawer = document.getElementById("k-drawer");
        if (drawer && !drawer.open) drawer.showModal();
      }
    });
    const failed = (event) => {
      // A live part that misses one turn is no news; an act that failed is.
      if (event.detail.elt.hasAttribute?.("data-poll")) return;
      const status = event.detail.xhr?.status;
      say(status ? `That did not work (${status}). Nothing was changed.` : "The server did not answer. Try again.", "bad");
    };
    document.body.addEventListener("htmx:responseError", failed);
    document.body.addEventListener("htmx:sendError", failed);
  };
})();
