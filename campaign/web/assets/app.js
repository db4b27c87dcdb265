// What every page does: tells the server the browser's time zone where a form asks for
// it and offers all zones where one is typed, asks before what can't be taken back, and
// takes a second click on a button for what it is.
for (const input of document.querySelectorAll("input[data-zone]")) {
  input.value = input.value || Intl.DateTimeFormat().resolvedOptions().timeZone;
}
const zones = document.querySelectorAll("input[name=zone]:not([type=hidden]), input[name$=_zone]");
if (zones.length > 0 && Intl.supportedValuesOf) {
  const list = document.createElement("datalist");
  list.id = "time-zones";
  list.append(...Intl.supportedValuesOf("timeZone").map((zone) => new Option("", zone)));
  document.body.append(list);
  for (const input of zones) input.setAttribute("list", list.id);
}
document.addEventListener("submit", (event) => {
  const form = event.target;
  const question = event.submitter?.dataset.confirm ?? form.dataset.confirm;
  if (question && !confirm(question)) {
    event.preventDefault();
    return;
  }
  if (form.method === "post" && !form.target) {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  }
});
addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});
