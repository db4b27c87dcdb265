// The builder of segments: what is changed in the rows shows in the expression, and the
// other way round; how many people it means is counted when one stops for a moment.
const form = document.getElementById("segment");
const rows = document.getElementById("rows");
const text = form.elements.expression;
const problem = document.getElementById("problem");
const box = document.getElementById("glance");
const number = new Intl.NumberFormat("en");
const json = { headers: { Accept: "application/json" } };
let looking, counting, timer, turn = 0;

const query = (extra) => {
  const q = new URLSearchParams(new FormData(form));
  if (extra) q.set("do", extra);
  return q;
};

// The operators and the value of a row are those that its field can have.
function fit(rule) {
  const field = rule.querySelector("[name=field]");
  const op = rule.querySelector("[name=op]");
  const value = rule.querySelector("[name=value]");
  const campaign = "campaign" in field.selectedOptions[0].dataset;
  for (const option of op.options) {
    option.hidden = option.disabled = ("campaign" in option.dataset) !== campaign;
  }
  for (const group of op.querySelectorAll("optgroup")) group.hidden = [...group.children].every((o) => o.hidden);
  if (op.selectedOptions[0]?.disabled ?? true) op.value = [...op.options].find((o) => !o.disabled).value;
  value.hidden = "bare" in op.selectedOptions[0].dataset;
  if (campaign) value.setAttribute("list", "campaign-names"); else value.removeAttribute("list");
  value.placeholder = campaign ? "name of the campaign" : op.value.endsWith("in") ? "one, two, three" : "";
}
const fitAll = () => rows.querySelectorAll(".rule").forEach(fit);

async function look(source, extra) {
  looking?.abort();
  looking = new AbortController();
  const mine = ++turn;
  try {
    const answer = await fetch(`/segments/look?${query(extra)}`, { ...json, signal: looking.signal });
    if (!answer.ok || mine !== turn) return;
    const seen = await answer.json();
    if (source !== "text") text.value = seen.expression;
    form.elements.was.value = text.value;
    if (source !== "rows") { rows.innerHTML = seen.rows; fitAll(); }
    problem.textContent = seen.problem ?? "";
    text.toggleAttribute("aria-invalid", Boolean(seen.problem));
    count(seen.problem ? "" : text.value.trim());
  } catch (error) {
    if (error.name !== "AbortError") problem.textContent = "The server does not answer.";
  }
}

async function count(expression, long = false) {
  counting?.abort();
  const said = box.querySelector("[data-number]");
  const note = box.querySelector("[data-note]");
  const some = box.querySelector("[data-some]");
  if (!expression) { said.textContent = "–"; note.textContent = ""; some.replaceChildren(); return; }
  counting = new AbortController();
  if (!long) note.textContent = "counting…";
  try {
    const answer = await fetch(`${box.dataset.glance}?${new URLSearchParams({ expression, list: form.elements.list.value, ...(long && { long }) })}`, { ...json, signal: counting.signal });
    if (!answer.ok) { note.textContent = "It could not be counted."; return; }
    const seen = await answer.json();
    if (seen.problem) { said.textContent = "–"; note.textContent = seen.problem; return; }
    const people = (n) => `${number.format(n)} ${n === 1 ? "person" : "people"}`;
    said.textContent = seen.complete ? people(seen.recipients) : `at least ${people(seen.recipients)}`;
    note.textContent = seen.complete
      ? `of ${number.format(seen.members)} who are looked at; unsubscribed and suppressed ones are left out`
      : `among the first ${number.format(seen.members)}; about ${number.format(seen.about)} in all, estimated from samples`;
    some.replaceChildren(...seen.some.map((person) => {
      const li = document.createElement("li");
      const a = document.createElement("a");
      a.href = `/contacts/${person.id}`;
      a.textContent = person.email;
      li.append(a);
      return li;
    }));
    if (!long && !seen.complete) { note.textContent += "; counting on…"; count(expression, true); } // quick first, then better
  } catch (error) {
    if (error.name !== "AbortError") note.textContent = "The server does not answer.";
  }
}

form.addEventListener("input", (event) => {
  if (event.target.name === "name") return;
  const rule = event.target.closest(".rule");
  if (rule) fit(rule);
  clearTimeout(timer);
  const source = event.target === text ? "text" : "rows";
  timer = setTimeout(() => (event.target.name === "list" ? count(problem.textContent ? "" : text.value.trim()) : look(source)), 350);
});
form.addEventListener("submit", (event) => {
  if (event.submitter?.formMethod === "post") return;
  event.preventDefault();
  look("buttons", event.submitter?.value);
});
fitAll();
count(problem.textContent ? "" : text.value.trim());
