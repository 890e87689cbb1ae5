/* Tick scheduler now: ask the same door that every ticker asks, and say in words what it did. */
(() => {
  "use strict";
  const plural = (count, one, many) => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
  const link = (href, text) => Object.assign(document.createElement("a"), { href, textContent: text });

  const words = (done) => {
    if (done.skipped) return "Another tick is deciding at this moment; what is due is in its hands.";
    const parts = [];
    if (done.dispatched) parts.push(`${plural(done.dispatched, "run", "runs")} began`);
    const waits = done.results.filter((each) => !each.fired && each.status === 202).length;
    if (waits) parts.push(`${plural(waits, "occurrence waits or is part of another run", "occurrences wait or are part of another run")}`);
    if (done.failed) parts.push(`${plural(done.failed, "dispatch", "dispatches")} failed`);
    if (!parts.length) parts.push(done.due ? `${plural(done.due, "schedule was", "schedules were")} due, and none fired` : "Nothing was due");
    const rest = done.remaining ? ` ${plural(done.remaining, "schedule is", "schedules are")} left for the next tick.` : "";
    return `${parts.join(", ")}. The tick took ${done.durationMs.toLocaleString("en")} ms.${rest}`;
  };
  const tell = (box, text, tone, results = []) => {
    const note = document.createElement("div");
    note.className = "k-note";
    note.dataset.tone = tone;
    const shape = document.createElement("span");
    shape.className = `k-shape k-shape-${{ good: "disc", bad: "cross", warn: "triangle", idle: "ring" }[tone]}`;
    shape.setAttribute("aria-hidden", "true");
    const body = document.createElement("div");
    body.append(text);
    const shown = results.slice(0, 5);
    if (shown.length) {
      const list = body.appendChild(document.createElement("ul"));
      for (const each of shown) {
        const item = list.appendChild(document.createElement("li"));
        if (each.runId) item.append(link(`/data/flow-runs/${each.runId}`, "Open the run"), each.fired ? "" : ": ");
        if (!each.fired || !each.runId) item.append(each.reason || "did not fire");
      }
      if (results.length > shown.length) list.appendChild(document.createElement("li")).append(`and ${results.length - shown.length} more`);
    }
    note.append(shape, body);
    box.replaceChildren(note);
  };
  const tick = async (button) => {
    // Looked up when the answer is there: the live part may have been drawn anew meanwhile.
    const box = () => document.getElementById("tick-said");
    button.disabled = true;
    button.setAttribute("aria-busy", "true");
    try {
      const token = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] || "";
      const answer = await fetch(button.dataset.tick, { method: "POST", credentials: "same-origin", headers: { "X-CSRFToken": token, Accept: "application/json" } });
      const done = await answer.json();
      if (answer.ok) tell(box(), words(done), done.failed ? "bad" : done.skipped ? "warn" : done.dispatched ? "good" : "idle", done.results || []);
      else tell(box(), `The scheduler did not tick: ${done.error?.message || answer.status}`, "bad");
      document.body.dispatchEvent(new CustomEvent("k-ticked", { bubbles: true }));
    } catch {
      tell(box(), "The server did not answer; nothing is lost, what is due waits for the next tick.", "bad");
    } finally {
      const again = document.getElementById(button.id);
      if (again) { again.disabled = false; again.removeAttribute("aria-busy"); }
    }
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-tick]");
    if (button) tick(button);
  });

  // --- Hours of an axis, in the viewer's zone.
  const writeHours = () => {
    const timeZone = document.querySelector("[data-zone]")?.dataset.zone || undefined;
    for (const mark of document.querySelectorAll("[data-hour]")) {
      const at = new Date(mark.dataset.hour);
      const text = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone }).format(at);
      if (mark.textContent !== text) mark.textContent = text;
    }
  };
  document.addEventListener("DOMContentLoaded", () => {
    writeHours();
    document.body.addEventListener("htmx:afterSettle", writeHours);
  });
})();
