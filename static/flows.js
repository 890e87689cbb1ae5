/* The editor of a pipeline: tabs, the JSON's text area, what a drawer gives back. */
(() => {
  "use strict";
  const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));
  const form = () => document.getElementById("flow-form");
  const area = () => document.getElementById("flow-draft");

  // --- Tabs by the ARIA pattern; the address keeps the tab, so that a reload and Save come back to it.
  const choose = (tab, isFocused) => {
    for (const other of all('.flow-tabs [role="tab"]')) {
      const isChosen = other === tab;
      other.setAttribute("aria-selected", String(isChosen));
      other.tabIndex = isChosen ? 0 : -1;
      document.getElementById(other.getAttribute("aria-controls")).hidden = !isChosen;
    }
    if (isFocused) tab.focus();
    const key = tab.id.replace("flow-tab-", "");
    history.replaceState(null, "", key === "visual" ? location.pathname : `#${key}`);
    if (form()) form().action = `${location.pathname}${key === "visual" ? "" : `#${key}`}`;
    for (const part of all("[hx-trigger*=k-tab]", document.getElementById(`flow-panel-${key}`))) {
      // Cards are drawn with the page; they are asked for again only when the JSON was typed in since.
      if (part.id === "flow-visual" && !part.hasAttribute("data-behind")) continue;
      part.removeAttribute("data-behind");
      htmx.trigger(part, "k-tab");
    }
  };
  const onTabKey = (event) => {
    const tab = event.target.closest?.('.flow-tabs [role="tab"]');
    if (!tab) return;
    const tabs = all('.flow-tabs [role="tab"]'), at = tabs.indexOf(tab);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    choose(tabs[(to + tabs.length) % tabs.length], true);
  };

  // --- The JSON's text area: go to a line, format.
  const goTo = (line) => {
    const tab = document.getElementById("flow-tab-json");
    if (tab.getAttribute("aria-selected") !== "true") choose(tab, false);
    const text = area(), lines = text.value.split("\n");
    const start = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
    text.focus();
    text.setSelectionRange(start, start + (lines[line - 1] || "").length);
    text.scrollTop = Math.max(0, (line - 4) * parseFloat(getComputedStyle(text).lineHeight));
  };
  const touch = () => {
    if (form()) form().dataset.dirty = "1";
    document.getElementById("flow-visual")?.setAttribute("data-behind", "");
  };
  const format = () => {
    const text = area();
    try {
      const pretty = JSON.stringify(JSON.parse(text.value), null, 2);
      if (pretty !== text.value) { text.value = pretty; touch(); }
    } catch { /* What is wrong with it stands below. */ }
    htmx.trigger("#flow-check", "k-check");
  };

  // --- The forms of the Schedule and Triggers tabs: what is typed goes into the draft, and a save takes along what has not
  // got there yet.
  let isSending = false;
  const onTimingTyped = (event) => {
    const typed = event.target.closest?.("form[data-timing]");
    if (!typed || event.target.hasAttribute("hx-post")) return;
    typed.dataset.pending = String(performance.now());
    if (form()) form().dataset.dirty = "1";
    htmx.trigger(typed, "k-typed");
  };
  const onTimingSent = (event) => { const typed = event.detail.elt; if (typed.dataset?.timing) typed.dataset.sent = String(performance.now()); };
  const onTimingTaken = (event) => {
    const typed = event.detail.elt;
    if (typed.dataset?.timing && event.detail.successful && Number(typed.dataset.pending) <= Number(typed.dataset.sent)) delete typed.dataset.pending;
  };
  const addPending = (event) => {
    if (event.target !== form() || !isSending) return;
    for (const typed of all("form[data-timing][data-pending]")) {
      event.formData.append("timing", typed.dataset.timing);
      for (const [name, value] of new FormData(typed)) event.formData.append(name, value);
    }
  };

  // --- A log that is followed: an answer keeps its place, and its end while somebody looks at that.
  let logAt = null;
  const keepLog = (event) => {
    const log = event.detail.target?.querySelector?.(".flow-log[id]");
    logAt = log ? { id: log.id, top: log.scrollTop, isAtEnd: log.scrollTop > 0 && log.scrollTop + log.clientHeight >= log.scrollHeight - 4 } : null;
  };
  const restoreLog = () => {
    const log = logAt && document.getElementById(logAt.id);
    if (log) log.scrollTop = logAt.isAtEnd ? log.scrollHeight : logAt.top;
    logAt = null;
  };

  document.addEventListener("DOMContentLoaded", () => {
    document.body.addEventListener("htmx:beforeSwap", keepLog);
    document.body.addEventListener("htmx:afterSettle", restoreLog);
    if (!document.querySelector(".flow-tabs")) return;
    document.addEventListener("click", (event) => {
      const tab = event.target.closest('.flow-tabs [role="tab"]');
      if (tab) choose(tab, false);
      const jump = event.target.closest("[data-flow-line]");
      if (jump) goTo(Number(jump.dataset.flowLine));
      if (event.target.closest("[data-flow-format]")) format();
    });
    document.addEventListener("keydown", onTabKey);
    document.addEventListener("input", (event) => { if (event.target === area()) touch(); });
    document.addEventListener("input", onTimingTyped);
    document.addEventListener("submit", (event) => { isSending = event.target === form(); }, true);
    document.addEventListener("formdata", addPending);
    document.body.addEventListener("htmx:beforeRequest", onTimingSent);
    document.body.addEventListener("htmx:afterRequest", onTimingTaken);
    // Said with the answer of a button that changed the draft: the drawer's work is done.
    let focus = "";
    document.body.addEventListener("k-draft", (event) => {
      focus = event.detail.focus || "";
      if (form()) form().dataset.dirty = "1";
      document.getElementById("k-drawer")?.close();
    });
    document.body.addEventListener("htmx:afterSettle", (event) => {
      if (event.detail.target?.id === "k-drawer-content") event.detail.target.querySelector(".k-errors")?.focus();
      if (event.detail.target?.id !== "flow-visual" || !focus) return;
      const goOn = document.getElementById(focus);
      focus = "";
      goOn?.focus({ preventScroll: true });
      goOn?.scrollIntoView({ block: "nearest" });
    });
    const chooseByAddress = () => {
      const wanted = document.getElementById(`flow-tab-${location.hash.slice(1)}`);
      if (wanted) choose(wanted, false);
    };
    window.addEventListener("hashchange", chooseByAddress);
    chooseByAddress();
  });
})();
