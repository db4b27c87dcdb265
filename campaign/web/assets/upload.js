// Uploading by dropping a file, with a bar; and the bar of a step on the server, which
// goes on whether or not anybody looks.
const number = new Intl.NumberFormat("en");

function size(bytes) {
  return bytes < 1e6 ? `${number.format(Math.ceil(bytes / 1e3))} kB` : `${number.format(Math.round(bytes / 1e5) / 10)} MB`;
}

for (const form of document.querySelectorAll("form[data-upload]")) {
  const input = form.querySelector("input[type=file]");
  const bar = form.querySelector("progress");
  const said = form.querySelector("[data-said]");
  let busy = false;

  const send = (file) => {
    if (busy || !file) return;
    busy = true;
    bar.hidden = false;
    said.className = "";
    const body = new FormData();
    body.append("file", file);
    const request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "application/json");
    request.upload.onprogress = (event) => {
      bar.value = event.loaded / Math.max(event.total, 1);
      said.textContent = `${file.name}: ${size(event.loaded)} of ${size(event.total)}`;
    };
    request.onloadend = () => {
      if (request.status === 200) {
        location.assign(JSON.parse(request.responseText).location);
        return;
      }
      busy = false;
      bar.hidden = true;
      input.value = "";
      said.className = "error";
      said.textContent = request.responseText || "The upload broke off. Please try again.";
    };
    request.send(body);
  };

  form.addEventListener("click", (event) => { if (event.target !== input && event.target.tagName !== "LABEL") input.click(); });
  input.addEventListener("change", () => send(input.files[0]));
  form.addEventListener("dragover", (event) => { event.preventDefault(); form.classList.add("over"); });
  form.addEventListener("dragleave", () => form.classList.remove("over"));
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    form.classList.remove("over");
    send(event.dataTransfer.files[0]);
  });
}

for (const box of document.querySelectorAll("[data-progress]")) {
  const bar = box.querySelector("progress");
  const said = box.querySelector("[data-said]");
  const source = new EventSource(box.dataset.progress);
  source.addEventListener("progress", (event) => {
    const p = JSON.parse(event.data);
    if (p.rows > 0) {
      bar.value = p.bytes / Math.max(p.size, 1);
      said.textContent = p.bytes >= p.size ? `${number.format(p.rows)} rows read, finishing…` : `${number.format(p.rows)} rows, ${size(p.bytes)} of ${size(p.size)}`;
    }
  });
  source.addEventListener("over", () => { source.close(); location.reload(); });
}

// The name of a new list is asked only for a new list.
const list = document.querySelector("select[name=list]");
const name = document.querySelector("input[name=new_list]");
if (list && name) {
  const show = () => { name.closest(".field").hidden = list.value !== ""; };
  list.addEventListener("change", show);
  show();
}

// A name of one's own is asked for where it is chosen.
for (const own of document.querySelectorAll("[data-own]")) {
  const choice = own.parentElement.querySelector("select");
  const show = () => { own.hidden = choice.value !== "+"; };
  choice.addEventListener("change", () => { show(); if (!own.hidden) own.focus(); });
  show();
}
