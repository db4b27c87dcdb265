// The compose page: saves while one types, and shows at once what comes of it. The
// preview is a page of its own in a frame that can run nothing.
const form = document.getElementById("draft");
const state = document.getElementById("save-state");
const box = document.querySelector("[data-preview]");
const frame = box.querySelector("iframe");
const findings = document.getElementById("findings");
const count = document.getElementById("finding-count");
const as = document.getElementById("as");
const address = document.getElementById("as-address");
const variant = document.getElementById("variant");
const show = { view: "html", device: "desktop", dark: false };
const json = { headers: { Accept: "application/json" } };
let turn = 0;

function query() {
  const q = new URLSearchParams();
  const whom = as.value === "@" ? address.value : as.value;
  if (whom) q.set("as", whom);
  if (variant.value && variant.value !== "A") q.set("variant", variant.value);
  if (show.view === "text") q.set("view", "text");
  if (show.dark) q.set("dark", "1");
  return q;
}

// Replacing the frame's place leaves no trail in the browser's history.
async function preview() {
  const q = query();
  q.set("r", ++turn);
  frame.contentWindow.location.replace(`${box.dataset.preview}?${q}`);
  const answer = await fetch(`${box.dataset.inbox}?${q}`, json);
  if (!answer.ok || Number(q.get("r")) !== turn) return;
  const mail = await answer.json();
  box.querySelector("[data-from]").textContent = mail.problem ? "No preview yet" : mail.from;
  box.querySelector("[data-subject]").textContent = mail.problem ?? mail.subject;
  box.querySelector("[data-to]").textContent = mail.to || "–";
  box.querySelector("[data-size]").textContent = mail.bytes ? `${Math.ceil(mail.bytes / 1024)} kB` : "";
}

function icon(blocks) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(svg.namespaceURI, "path");
  path.setAttribute("d", blocks === null ? "M8.5 12.5l2.5 2.5 4.5-5.5" : "M12 4l9 16H3zM12 10v4.5M12 17.2v.01");
  svg.append(path);
  return svg;
}

function line(kind, where, what, fix) {
  const div = document.createElement("div");
  div.className = `finding ${kind}`;
  const first = document.createElement("p");
  const strong = document.createElement("strong");
  strong.textContent = where;
  first.append(strong, ` ${what}`);
  const second = document.createElement("p");
  second.className = "small soft";
  second.textContent = fix;
  div.append(icon(kind === "fine" ? null : kind), first, second);
  return div;
}

function tell(list) {
  list ??= [];
  count.textContent = list.length;
  count.hidden = list.length === 0;
  findings.replaceChildren(...(list.length
    ? list.map((f) => line(f.blocks ? "blocks" : "warns", called(f.where), f.what, f.fix))
    : [line("fine", "Nothing to mend.", "", "Send yourself a test, then review.")]));
}

// What is wrong with a field stands beneath it as well. A field that is empty, and that
// nobody has touched yet, is only named among the findings.
const fieldOf = { "brake.canary": "canary", "local_time.zone": "local_zone", html: "content", markdown: "content" };
const touched = new Set();

function fieldFor(where) {
  const [variant, letter, part = "subject"] = /^variant ([B-D])(?:, (\w+))?/.exec(where) ?? [];
  const place = where.split(",")[0]; // without its line
  if (!variant) return document.getElementById(fieldOf[place] ?? place.replaceAll(".", "_"));
  const slot = form.querySelector(`[data-slot="${letter}"]`);
  const own = part === "text" && slot.querySelector("[name=ab_format]").value !== "text"; // the plain text of its own
  const name = ["html", "markdown", "text"].includes(part) && !own ? "content" : part;
  return slot.querySelector(`[name="ab_${name}"]`);
}

// called is what people call a place: what is written in is the text, and a field is called
// as its label says.
function called(where) {
  if (/^(html|markdown)\b/.test(where)) return where.replace(/^[a-z]+/, "text");
  const label = where.startsWith("variant ") ? "" : fieldFor(where)?.labels?.[0]?.textContent;
  return label || where.replaceAll("_", " ");
}

function beside(list) {
  for (const note of form.querySelectorAll("[data-beside]")) note.remove();
  for (const el of form.querySelectorAll("[data-wrong]")) {
    delete el.dataset.wrong;
    el.removeAttribute("aria-invalid");
    el.removeAttribute("aria-describedby");
  }
  for (const f of list) {
    const el = fieldFor(f.where);
    if (!f.blocks || !el || !form.contains(el) || !("value" in el) || "wrong" in el.dataset || (!el.value && !touched.has(el.id))) continue;
    const note = document.createElement("span");
    note.className = "error";
    note.id = `${el.id}-wrong`;
    note.dataset.beside = "";
    note.textContent = f.fix ? `${f.what}; ${f.fix}` : f.what;
    el.dataset.wrong = "";
    el.setAttribute("aria-invalid", "true");
    el.setAttribute("aria-describedby", note.id);
    (el.parentElement.matches(".row") ? el.parentElement : el).after(note);
  }
}

// How many people the lists, exclusions and expression mean, whenever one of them changes.
const people = document.querySelector("[data-people]");
const number = new Intl.NumberFormat("en");
let counting, counted;

function countPeople() {
  const fields = new FormData(form);
  const audience = JSON.stringify([fields.getAll("lists"), fields.getAll("exclude"), fields.get("segment"), fields.getAll("segments"), fields.getAll("exclude_segments")]);
  if (audience === counted) return;
  counted = audience;
  counting?.close();
  people.hidden = fields.getAll("lists").length === 0;
  if (people.hidden) return;
  const source = counting = new EventSource(people.dataset.people);
  source.addEventListener("progress", (event) => { people.textContent = `counting… ${number.format(JSON.parse(event.data).members)}`; });
  source.addEventListener("over", (event) => {
    source.close();
    const n = JSON.parse(event.data);
    const left = [[n.excluded, "left out"], [n.outside, "outside the segments"], [n.unsubscribed, "unsubscribed"], [n.suppressed, "suppressed"]].filter(([k]) => k > 0);
    people.textContent = `${number.format(n.recipients)} people get it` + (left.length ? ` (${number.format(n.members)} in the lists, ${left.map(([k, why]) => `${number.format(k)} ${why}`).join(", ")})` : "") + ".";
  });
  source.addEventListener("problem", (event) => { source.close(); people.textContent = JSON.parse(event.data).text; });
  source.onerror = () => source.close();
}

// The variants of an A/B test: a slot that says nothing is none, and the others are B, C
// and D in their order. A slot keeps what is in it, and the preview its slot; letters are
// given anew when one is filled or emptied. Whoever writes in one sees it.
const slots = () => [...document.querySelectorAll("[data-slot]")];
const said = (slot) => [...slot.querySelectorAll("input, textarea")].filter((el) => el.name !== "ab_text" || slot.querySelector("[name=ab_format]").value !== "text");
const filled = (slot) => said(slot).some((el) => el.value.trim());
let shown = null; // the slot in the preview; null for A

function nameVariants() {
  const all = slots();
  const used = all.filter(filled);
  [...used, ...all.filter((slot) => !used.includes(slot))].forEach((slot, i) => {
    slot.dataset.slot = String.fromCharCode(66 + i); // B, and so on
    for (const place of slot.querySelectorAll("[data-letter]")) place.textContent = slot.dataset.slot;
  });
  if (!used.includes(shown)) shown = null;
  const letters = ["A", ...used.map((slot) => slot.dataset.slot)];
  variant.replaceChildren(...letters.map((letter) => new Option(`Variant ${letter}`, letter)));
  variant.value = shown?.dataset.slot ?? "A";
  variant.hidden = used.length === 0;
}

for (const slot of slots()) {
  slot.addEventListener("focusin", (event) => {
    if (shown === slot || !filled(slot) || !event.target.matches("input, textarea")) return;
    shown = slot;
    nameVariants();
    preview();
  });
  slot.addEventListener("input", () => {
    if (filled(slot)) shown = slot;
    nameVariants();
  });
  const remove = slot.querySelector("[data-remove]");
  remove.hidden = false;
  remove.addEventListener("click", () => {
    for (const el of slot.querySelectorAll("input, textarea")) el.value = "";
    slot.querySelector("[name=ab_format]").value = "markdown";
    slot.open = false;
    slot.parentElement.append(slot); // behind those that are filled
    slot.querySelector("summary").focus();
    nameVariants();
    form.dispatchEvent(new Event("input"));
  });
}
variant.addEventListener("change", () => {
  shown = slots().find((slot) => slot.dataset.slot === variant.value) ?? null;
  preview();
});

// What is typed is saved when nobody has typed for a moment, one save at a time. "Saved"
// stands there only when nothing was typed since that save began.
let typed = 0, stored = 0; // changes, and how many of them the server has
let saving = null; // the save that is under way
let timer;
const unsaved = "Not sent, because what you typed is not saved yet.";

function saveIn(ms) {
  clearTimeout(timer);
  timer = setTimeout(save, ms);
}

// save stores everything that was typed before it was asked, and says whether it could: a
// save that is under way may have begun before, so another follows it.
async function save() {
  await saving;
  return saving ??= store().finally(() => { saving = null; });
}

// settled waits until the server has everything that was typed. When it cannot be saved
// the answer is false, and the page says why.
async function settled() {
  while (saving || stored < typed) {
    if (!await save()) return stored === typed;
  }
  return true;
}

async function store() {
  clearTimeout(timer);
  const changes = typed;
  state.textContent = "Saving…";
  let answer, result;
  try {
    answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), ...json });
    if (answer.status === 401) { state.textContent = "Not saved: please sign in again in another window."; return false; }
    result = await answer.json();
  } catch {
    state.textContent = "Not saved: the server does not answer. Trying again…";
    saveIn(3000);
    return false;
  }
  if (result.problem) {
    state.textContent = `Not saved: ${result.problem}`;
    if (result.field) beside([{ blocks: true, where: result.field, what: result.problem }]);
    return false;
  }
  stored = changes;
  form.elements.version.value = result.version;
  state.textContent = stored === typed ? "Saved" : "…";
  tell(result.findings);
  beside(result.findings ?? []);
  form.querySelector("[data-repeats]").textContent = result.repeats ?? "";
  countPeople();
  preview().catch(() => {}); // the next save shows another
  return true;
}

const length = () => {
  const n = [...form.elements.subject.value].length;
  document.getElementById("subject-count").textContent = n ? `${n} characters; phones show about 40` : "";
};

if (!form.querySelector("fieldset").disabled) {
  form.addEventListener("input", (event) => {
    touched.add(event.target.id);
    length();
    typed++;
    state.textContent = "…";
    saveIn(500);
  });
  form.addEventListener("submit", (event) => { event.preventDefault(); save(); });
  nameVariants();
  // Leaving for the review waits for what was typed last; before any other way out the
  // browser asks.
  document.getElementById("to-review").addEventListener("click", async (event) => {
    if (!saving && stored === typed) return;
    event.preventDefault();
    const { href } = event.currentTarget;
    if (await settled()) location.assign(href);
  });
  window.addEventListener("beforeunload", (event) => { if (stored < typed) event.preventDefault(); });
  save();
} else {
  preview();
  findings.closest(".card").hidden = true;
}
length();

function press(group, button) {
  for (const b of group) b.setAttribute("aria-pressed", b === button);
}
for (const name of ["view", "device"]) {
  const group = box.querySelectorAll(`[data-${name}]`);
  for (const button of group) {
    button.addEventListener("click", () => {
      press(group, button);
      show[name] = button.dataset[name];
      box.querySelector(".stage").classList.toggle("phone", show.device === "phone");
      if (name === "view") preview();
    });
  }
}
const dark = box.querySelector("[data-dark]");
dark.addEventListener("click", () => {
  show.dark = !show.dark;
  dark.setAttribute("aria-pressed", show.dark);
  box.querySelector(".stage").classList.toggle("dark", show.dark);
  preview();
});
as.addEventListener("change", () => {
  address.hidden = as.value !== "@";
  if (as.value === "@") address.focus(); else preview();
});
address.addEventListener("change", preview);

const formats = document.querySelectorAll("[data-format]");
for (const button of formats) {
  button.addEventListener("click", () => {
    press(formats, button);
    form.elements.format.value = button.dataset.format;
    typed++;
    save();
  });
}
const image = (src) => (form.elements.format.value === "html" ? `<img src="${src}" alt="">` : `![](${src})`);
for (const button of document.querySelectorAll("[data-insert], [data-image]")) {
  button.addEventListener("click", () => {
    const text = form.elements.content;
    text.setRangeText(button.dataset.insert ?? image(button.dataset.image), text.selectionStart, text.selectionEnd, "end");
    text.focus();
    text.dispatchEvent(new Event("input", { bubbles: true }));
  });
}

// A file goes when what was typed last is saved, and nobody types while it goes, because
// the page comes anew.
for (const file of document.querySelectorAll("form[data-file]")) {
  const send = async () => {
    const result = document.getElementById("file-result");
    result.textContent = "…";
    if (!await settled()) { result.textContent = unsaved; return; }
    form.inert = true;
    try {
      const body = file.enctype === "multipart/form-data" ? new FormData(file) : undefined;
      const answer = await fetch(file.action, { method: "POST", body, ...json });
      if (answer.ok) { location.reload(); return; }
      result.textContent = await answer.text();
    } catch {
      result.textContent = "The server does not answer. Please try again.";
    }
    form.inert = false;
  };
  file.querySelector("input[type=file]")?.addEventListener("change", send);
  file.addEventListener("submit", (event) => { event.preventDefault(); event.stopPropagation(); send(); });
}

const test = document.getElementById("test");
test?.addEventListener("submit", async (event) => {
  event.preventDefault();
  event.stopPropagation();
  const result = document.getElementById("test-result");
  const button = test.querySelector("button");
  button.disabled = true;
  result.textContent = "Sending…";
  if (!await settled()) { result.textContent = unsaved; button.disabled = false; return; }
  const body = new URLSearchParams(new FormData(test));
  body.set("as", query().get("as") ?? "");
  body.set("variant", query().get("variant") ?? "");
  try {
    const answer = await fetch(test.action, { method: "POST", body, ...json });
    const said = answer.headers.get("Content-Type")?.startsWith("application/json") ? await answer.json() : { result: await answer.text() };
    result.textContent = (said.accepted ? "Sent: " : "Not sent: ") + said.result;
  } catch {
    result.textContent = "Not sent: the server does not answer.";
  } finally {
    button.disabled = false;
  }
});
