/* Dashboards: charts by the Chart.js that Unfold ships, in the page's colours, and a refresh that moves nothing. */
(() => {
  "use strict";
  const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));
  const drawn = new Map();

  // --- Numbers on an axis, in few characters; the texts beside a point come from the server.
  const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
  const plain = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });
  const seconds = (value) => {
    for (const [size, sign] of [[86400, "d"], [3600, "h"], [60, "m"]]) if (Math.abs(value) >= size) return `${plain.format(value / size)} ${sign}`;
    return `${plain.format(value)} s`;
  };
  const tick = {
    ratio: (value) => `${(Math.abs(value) < 10 ? plain : compact).format(value * 100)} %`,
    ms: (value) => `${compact.format(value)} ms`,
    s: seconds,
  };

  const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
  const short = (name, most) => {
    if (/^\d{4}-\d\d-\d\d$/.test(name)) return day.format(new Date(`${name}T00:00:00Z`));
    return name.length > most ? `${name.slice(0, most - 1)}…` : name;
  };

  const color = (name) => getComputedStyle(document.querySelector(".k-page")).getPropertyValue(name).trim();
  // The period before stands back.
  const seriesColor = (series, number) => color(series.isBefore ? "--k-series-before" : `--k-series-${number % 6}`);
  // Series differ in dash too, so that they can be told apart without colours.
  const DASHES = [[], [6, 3], [2, 2], [8, 3, 2, 3], [4, 4], [1, 3]];
  const POINTS = ["circle", "rectRot", "triangle", "rect", "star", "cross"];

  const dataset = (told, series, number) => ({
    label: series.label,
    data: series.values,
    borderColor: seriesColor(series, number),
    backgroundColor: seriesColor(series, number),
    borderWidth: told.kind === "line" ? 2 : 0,
    borderDash: told.kind === "line" ? DASHES[number % 6] : [],
    borderRadius: 3,
    pointStyle: POINTS[number % 6],
    pointRadius: told.labels.length > 40 ? 0 : 2.5,
    pointHoverRadius: 5,
    maxBarThickness: 26,
    tension: 0,
    spanGaps: false,
  });

  const options = (told) => {
    const values = { beginAtZero: true, grid: { color: color("--k-line") }, border: { display: false }, ticks: { color: color("--k-subtle"), maxTicksLimit: 6, callback: (value) => (tick[told.unit] || ((number) => compact.format(number)))(value) } };
    const names = {
      grid: { display: false }, border: { color: color("--k-line-strong") },
      ticks: { color: color("--k-subtle"), autoSkip: !told.isLying, maxRotation: 0, autoSkipPadding: 16, callback(value) { return short(this.getLabelForValue(value), this.chart.width < 420 ? 18 : 30); } },
    };
    return {
      responsive: true, maintainAspectRatio: false, animation: false,
      indexAxis: told.isLying ? "y" : "x",
      interaction: { mode: "index", axis: told.isLying ? "y" : "x", intersect: false },
      scales: told.isLying ? { x: values, y: names } : { x: names, y: values },
      plugins: {
        legend: { display: told.series.length > 1, position: "top", align: "start", labels: { color: color("--k-text"), usePointStyle: true, boxHeight: 7, font: { size: 12 } } },
        tooltip: { callbacks: { label: (item) => `${item.dataset.label}: ${told.series[item.datasetIndex].texts[item.dataIndex]}` } },
      },
    };
  };

  const draw = (canvas) => {
    drawn.get(canvas)?.destroy();
    const told = JSON.parse(document.getElementById(canvas.dataset.told).textContent);
    Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
    drawn.set(canvas, new Chart(canvas, { type: told.kind, data: { labels: told.labels, datasets: told.series.map((series, number) => dataset(told, series, number)) }, options: options(told) }));
    canvas.dataset.drawn = "1";
  };
  const drawAll = (root = document) => { for (const canvas of all("canvas[data-told]", root)) draw(canvas); };
  const forget = () => {
    for (const [canvas, chart] of drawn) if (!canvas.isConnected) { chart.destroy(); drawn.delete(canvas); }
  };

  // --- A refresh replaces only the parts that say something else now (`data-version`), where they stand. What somebody
  // has opened, scrolled to or focused stays so, and what is on top of the window stays there.
  const takeOver = (known, part) => {
    for (const details of all("details[open][id]", known)) part.querySelector(`#${CSS.escape(details.id)}`)?.setAttribute("open", "");
    const scrolled = all(".k-scroll[id]", known).map((box) => [box.id, box.scrollTop, box.scrollLeft]);
    const focused = known.contains(document.activeElement) ? document.activeElement.id : "";
    known.replaceWith(part);
    for (const [id, top, left] of scrolled) document.getElementById(id)?.scrollTo({ top, left, behavior: "instant" });
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  };
  const isSeen = (element) => element.getBoundingClientRect().bottom > 0 && element.getBoundingClientRect().top < window.innerHeight;
  const anchorOf = (target) => {
    const focused = document.activeElement;
    if (focused.id && target.contains(focused) && isSeen(focused)) return focused;
    return all("[data-version][id]", target).find(isSeen);
  };
  const replaceParts = (target, fragment) => {
    const anchor = anchorOf(target);
    const stood = anchor?.getBoundingClientRect().top;
    const replaced = [];
    for (const part of all("[data-version][id]", fragment)) {
      const known = document.getElementById(part.id);
      if (!known || known.dataset.version === part.dataset.version) continue;
      takeOver(known, part);
      replaced.push(part);
    }
    forget();
    for (const part of replaced) drawAll(part);
    const still = anchor && document.getElementById(anchor.id);
    if (still) window.scrollBy({ top: still.getBoundingClientRect().top - stood, behavior: "instant" });
    return replaced;
  };

  // --- What takes long to read is read more seldom: a tenth of the time at most goes into it.
  let reading = 0;
  const paceBy = (event) => {
    const live = document.getElementById("board-live");
    if (!live || event.detail.target !== live) return;
    const took = (performance.now() - event.detail.requestConfig.startedAt) / 1000;
    reading = event.detail.elt === live ? took : reading + took;
    live.dataset.poll = String(Math.max(30, Math.ceil(10 * reading)));
  };

  // On the document and at once: what a page waits for is asked for before its body says that it has come.
  document.addEventListener("htmx:beforeRequest", (event) => { event.detail.requestConfig.startedAt = performance.now(); });
  document.addEventListener("htmx:afterRequest", paceBy);

  document.addEventListener("DOMContentLoaded", () => {
    htmx.defineExtension("k-parts", { handleSwap: (style, target, fragment) => style === "k-parts" && replaceParts(target, fragment) });
    drawAll();
    // The theme is a class of the root: charts take its colours when it changes.
    new MutationObserver(() => drawAll()).observe(document.documentElement, { attributes: true, attributeFilter: ["class"] });
    for (const form of all("form[data-at-once]")) form.addEventListener("change", () => form.requestSubmit());
    document.body.addEventListener("htmx:afterSettle", (event) => {
      const dialog = event.detail.target?.closest?.("dialog[data-modal]");
      if (!dialog) return;
      if (!dialog.open) dialog.showModal();
      (dialog.querySelector(".k-errors") || dialog.querySelector("input:not([type=hidden])"))?.focus();
    });
  });
})();
