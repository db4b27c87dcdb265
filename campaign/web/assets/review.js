// The review page counts the audience while one reads, and asks for a time only when
// it is not now. When people get it by the clocks of their zones follows what is typed.
const number = new Intl.NumberFormat("en");
const box = document.querySelector("[data-audience]");
const said = box.querySelector("[data-said]");
const source = new EventSource(box.dataset.audience);
const clocks = box.querySelector("[data-clocks]");
const start = document.querySelector("[data-start]");
const later = document.querySelector("[data-later]");
let counted = false;

function show(count) {
  for (const el of box.querySelectorAll("[data-n]")) el.textContent = number.format(count[el.dataset.n]);
}

source.addEventListener("progress", (event) => {
  const count = JSON.parse(event.data);
  show(count);
  said.textContent = `counting… ${number.format(count.members)}`;
});
source.addEventListener("over", (event) => {
  source.close();
  const count = JSON.parse(event.data);
  show(count);
  said.textContent = "as of now";
  const test = box.querySelector("[data-test]");
  if (test) test.textContent = count.test;
  box.querySelector("[data-forecast]").textContent = count.forecast ? `${count.forecast} (a forecast)` : "–";
  if (clocks) {
    clocks.textContent = count.clocks || "–";
    counted = true;
    if (later && !later.hidden) tellClocks();
  }
  const sites = (count.sites ?? []).map((site) => {
    const row = document.createElement("div");
    const text = document.createElement("div");
    text.className = "row small";
    const name = document.createElement("span");
    name.className = "grow";
    name.textContent = site.name;
    const share = document.createElement("span");
    share.className = "soft num";
    share.textContent = `${number.format(site.n)} · ${site.share}`;
    text.append(name, share);
    const bar = document.createElement("progress");
    bar.max = Math.max(count.recipients, 1);
    bar.value = site.n;
    bar.setAttribute("aria-label", site.name);
    row.append(text, bar);
    return row;
  });
  box.querySelector("[data-sites]").replaceChildren(...sites);
});
source.addEventListener("problem", (event) => {
  source.close();
  said.textContent = JSON.parse(event.data).text;
});

if (later) {
  const update = () => { later.hidden = document.querySelector("input[name=when]:checked").value !== "at"; };
  for (const radio of document.querySelectorAll("input[name=when]")) radio.addEventListener("change", update);
  update();
}

// tellClocks asks what the start that is typed means; a later question makes an answer void.
let asked = 0;
async function tellClocks() {
  const mine = ++asked;
  const typed = new FormData(start);
  const query = new URLSearchParams(["when", "at", "zone"].map((name) => [name, typed.get(name) ?? ""]));
  const text = await fetch(`${clocks.dataset.clocks}?${query}`, { headers: { Accept: "application/json" } })
    .then((answer) => (answer.ok ? answer.json() : {}))
    .then((news) => news.clocks || "–", () => "–");
  if (mine === asked) clocks.textContent = text;
}
if (start && clocks) {
  let pause = 0;
  start.addEventListener("input", () => {
    clearTimeout(pause);
    if (counted) pause = setTimeout(tellClocks, 250);
  });
}
