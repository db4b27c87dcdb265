// The review page counts the audience while one reads, and asks for a time only when
// it is not now.
const number = new Intl.NumberFormat("en");
const box = document.querySelector("[data-audience]");
const said = box.querySelector("[data-said]");
const source = new EventSource(box.dataset.audience);

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
  const clocks = box.querySelector("[data-clocks]");
  if (clocks) clocks.textContent = count.clocks || "–";
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

const later = document.querySelector("[data-later]");
if (later) {
  const update = () => { later.hidden = document.querySelector("input[name=when]:checked").value !== "at"; };
  for (const radio of document.querySelectorAll("input[name=when]")) radio.addEventListener("change", update);
  update();
}
