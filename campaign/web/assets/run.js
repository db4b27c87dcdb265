// The page of a run, live: what the server tells twice a second is put where it belongs.
const live = document.querySelector("[data-live]");
const number = new Intl.NumberFormat("en");
const states = ["accepted", "deferred", "bounced", "unknown", "skipped", "cancelled"];
const rates = [];
const shown = 600;

function percent(part, whole) {
  if (!whole) return "0 %";
  const p = (100 * part) / whole;
  return p > 0 && p < 10 ? `${p.toFixed(1)} %` : `${Math.floor(p)} %`;
}

function duration(seconds) {
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

function draw(counts) {
  const bar = live.querySelector("svg.bar");
  let x = 0;
  for (const state of states) {
    let part = bar.querySelector(`.fill-${state}`);
    const width = (1000 * counts[state]) / Math.max(counts.planned, 1);
    if (!part && width > 0) {
      part = document.createElementNS(bar.namespaceURI, "rect");
      part.setAttribute("class", `fill-${state}`);
      part.setAttribute("height", "10");
      bar.append(part);
    }
    part?.setAttribute("x", x);
    part?.setAttribute("width", width);
    x += width;
  }
  bar.setAttribute("aria-label", `Of ${number.format(counts.planned)}: ${states.map((s) => `${number.format(counts[s])} ${s}`).join(", ")}`);
}

function chart() {
  const top = Math.max(1, ...rates) * 1.1;
  const step = 600 / Math.max(rates.length - 1, 60);
  const points = rates.map((rate, i) => `${(i * step).toFixed(1)} ${(100 - (100 * rate) / top).toFixed(1)}`);
  if (points.length < 2) return;
  live.querySelector(".curve").setAttribute("d", `M${points.join("L")}`);
  live.querySelector(".area").setAttribute("d", `M0 100L${points.join("L")}L${((rates.length - 1) * step).toFixed(1)} 100Z`);
  live.querySelector("[data-peak]").textContent = `Messages per second, at most ${number.format(Math.round(Math.max(...rates)))}`;
}

function sites(list) {
  const body = document.querySelector("[data-sites]");
  if (!list?.length) return;
  body.replaceChildren(...list.map((site) => {
    const row = document.createElement("tr");
    const cells = [site.name, site.counts.planned, site.counts.accepted, site.counts.deferred, site.counts.bounced, site.counts.waiting, Math.round(site.rate)];
    cells.forEach((value, i) => {
      const cell = document.createElement("td");
      cell.className = i === 0 ? "strong" : [3, 4, 6].includes(i) ? "num optional" : "num";
      cell.textContent = i === 0 ? value : number.format(value);
      row.append(cell);
    });
    return row;
  }));
}

// why shows the reasons, each with its sites; it opens those whom it is about.
function why(list) {
  const card = document.querySelector("[data-why]");
  card.hidden = !list?.length;
  const body = card.querySelector("tbody");
  if (card.hidden || body.contains(document.activeElement)) return;
  const put = (parent, tag, kind, text) => {
    const el = document.createElement(tag);
    el.className = kind;
    el.textContent = text;
    parent.append(el);
    return el;
  };
  body.replaceChildren(...list.map((r) => {
    const row = document.createElement("tr");
    const cell = put(row, "td", "", "");
    put(cell, "span", `dot ${r.state}`, "");
    put(cell, "a", "main", r.reason).href = `${location.pathname}/people?${new URLSearchParams({ state: r.state, reason: r.id })}`;
    cell.append(" ");
    put(cell, "span", "tiny faint", r.state);
    if (r.sites) put(cell, "div", "tiny soft", r.sites);
    put(row, "td", "num", number.format(r.n));
    return row;
  }));
}

// compare shows how the variants of an A/B test do. When it is decided, or known when it
// will be, the page says so anew.
function compare(ab) {
  const card = document.getElementById("abtest");
  if (!card || !ab) return;
  if ((ab.decision && "undecided" in card.dataset) || (ab.due && "notime" in card.dataset)) { location.reload(); return; }
  for (const v of ab.variants) {
    const row = card.querySelector(`[data-variant="${v.variant}"]`);
    const set = (name, n, of) => {
      const cell = row.querySelector(`[data-v="${name}"]`);
      cell.firstChild.textContent = of === undefined ? number.format(n) : `${number.format(n)} `;
      if (of !== undefined) cell.querySelector("span").textContent = of ? percent(n, of) : "";
    };
    set("planned", v.counts.planned);
    set("accepted", v.counts.accepted);
    set("bounced", v.counts.bounced);
    set("opened", v.opens.people + v.opens.nameless, v.counts.accepted);
    set("clicked", v.clicks.people + v.clicks.nameless, v.counts.accepted);
    set("left", v.unsubscribed);
    set("complained", v.complaints);
  }
}

// activity shows what the senders do at each site, by all runs together.
function activity(list) {
  const card = document.querySelector("[data-activity]");
  if (!card) return;
  card.hidden = !list?.length;
  const body = card.querySelector("tbody");
  if (card.hidden || body.contains(document.activeElement)) return; // a button that is about to be pressed stays
  body.replaceChildren(...list.map((site) => {
    const row = document.createElement("tr");
    const cell = (text, kind) => {
      const td = document.createElement("td");
      td.className = kind;
      td.textContent = text;
      row.append(td);
      return td;
    };
    const of = (limit) => (limit ? ` of ${number.format(limit)}` : "");
    const rate = `${number.format(Math.round(site.rate * 10) / 10)}${of(site.rate_limit)}`;
    const connections = `${number.format(site.connections)}${of(site.connection_limit)}`;
    const name = cell(site.site, "strong break");
    const below = (text, kind) => {
      const line = document.createElement("div");
      line.className = `tiny below ${kind}`;
      line.textContent = text;
      name.append(line);
    };
    below(`${rate} a second, ${connections} connections`, "phone-only");
    if (site.reply) below(`${site.reply} (${site.said})`, "soft");
    cell(rate, "num nowrap optional");
    cell(connections, "num nowrap optional");
    if ("may" in body.dataset) {
      const button = document.createElement("button");
      button.className = "btn slim";
      button.textContent = site.paused ? "Resume" : "Pause";
      button.setAttribute("aria-label", `${button.textContent} ${site.site}`);
      button.addEventListener("click", () => steerSite(site, button));
      const limit = document.createElement("a");
      limit.className = "btn slim quiet";
      limit.textContent = "Limit";
      limit.href = `/sites?${new URLSearchParams({ limit: site.site })}#limit`;
      limit.setAttribute("aria-label", `Limit ${site.site}`);
      cell("", "actions").append(button, limit);
    }
    return row;
  }));
}

async function steerSite(site, button) {
  if (!site.paused && !confirm(`Send nothing to ${site.site}, in any run, until somebody resumes it?`)) return;
  button.disabled = true;
  try {
    const answer = await fetch(site.paused ? "/sites/resume" : "/sites/pause", { method: "POST", headers: { Accept: "application/json" }, body: new URLSearchParams({ site: site.site }) });
    if (!answer.ok) alert(await answer.text());
    button.textContent = site.paused ? "Resuming…" : "Pausing…";
  } catch {
    alert("The server does not answer. Please try again.");
    button.disabled = false;
  }
  button.blur();
}

let startAt = 0;
function countdown() {
  const box = document.querySelector("[data-countdown]");
  box.hidden = !startAt;
  if (!startAt) return;
  const left = Math.ceil((startAt - Date.now()) / 1000);
  if (left < 3600) box.querySelector("[data-left]").textContent = left > 0 ? `in ${duration(left)}` : "now";
}

function show(news) {
  const badge = document.querySelector("[data-state]");
  badge.textContent = news.state;
  badge.className = `badge ${news.state}`;
  for (const form of document.querySelectorAll("[data-steer]")) {
    form.hidden = !form.dataset.for.split(" ").includes(news.state);
  }
  const rest = document.querySelector("[data-rest]");
  if (rest && !news.held) rest.hidden = true;
  const note = document.querySelector("[data-note]");
  note.hidden = !news.note;
  note.querySelector("div").textContent = news.note ?? "";
  const waits = document.querySelector("[data-waits]");
  waits.hidden = !news.waits;
  waits.querySelector("div").textContent = news.waits ?? "";
  startAt = news.start_at ?? 0;
  const starts = document.querySelector("[data-starts]");
  if (starts && news.state !== "scheduled") starts.textContent = "Started";
  countdown();
  for (const el of live.querySelectorAll("[data-n]")) el.textContent = number.format(news.counts[el.dataset.n]);
  live.querySelector("[data-part]").textContent = percent(news.counts.accepted, news.counts.planned);
  live.querySelector("[data-rate]").textContent = number.format(Math.round(news.rate));
  live.querySelector("[data-eta]").textContent = news.eta ? ` · about ${duration(news.eta)} left` : news.complete || news.state !== "running" ? "" : " · still collecting the audience";
  draw(news.counts);
  if (news.trail) rates.splice(0, rates.length, ...news.trail);
  if (news.state === "running" || news.rate > 0) rates.push(news.rate);
  if (rates.length > shown) rates.splice(0, rates.length - shown);
  chart();
  sites(news.sites);
  why(news.why);
  activity(news.activity);
  compare(news.ab);
}

// What takes the server a while comes after the page.
for (const place of document.querySelectorAll("[data-part-of]")) {
  fetch(place.dataset.partOf).then((answer) => (answer.ok ? answer.text() : "")).then((html) => {
    place.outerHTML = html; // made by our own templates
  });
}

if (live) {
  const source = new EventSource(live.dataset.live);
  source.addEventListener("news", (event) => show(JSON.parse(event.data)));
  source.addEventListener("over", (event) => {
    source.close();
    show(JSON.parse(event.data));
    setTimeout(() => location.reload(), 400);
  });
  setInterval(countdown, 500);
  for (const form of document.querySelectorAll("[data-steer]")) {
    form.addEventListener("submit", async (event) => {
      if (event.defaultPrevented) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      if (form.dataset.confirm && !confirm(form.dataset.confirm)) return;
      const button = form.querySelector("button");
      button.disabled = true;
      try {
        const answer = await fetch(form.action, { method: "POST", headers: { Accept: "application/json" } });
        if (!answer.ok) alert(await answer.text());
      } catch {
        alert("The server does not answer. Please try again.");
      } finally {
        button.disabled = false;
      }
    });
  }
}
