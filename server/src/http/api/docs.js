// Sends what the forms of the page say, and shows the answer. Without JavaScript the page is for reading.
for (const form of document.querySelectorAll("form[data-method]")) {
  const answer = form.querySelector("output");
  const said = answer.querySelector(".t");
  const button = form.querySelector("button");
  button.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const fields = [...form.querySelectorAll("[data-in]")].filter((field) => field.value !== "");
    let path = form.dataset.path;
    const query = new URLSearchParams();
    const headers = {};
    for (const field of fields) {
      if (field.dataset.in === "path") path = path.replace(`{${field.name}}`, encodeURIComponent(field.value));
      if (field.dataset.in === "query") query.set(field.name, field.value);
      if (field.dataset.in === "header") headers[field.name] = field.value;
    }
    const token = document.querySelector("#token").value.trim();
    if (token) headers.Authorization = `Bearer ${token}`;
    const body = form.querySelector("textarea");
    if (body) headers["Content-Type"] = "application/json";
    const target = query.size ? `${path}?${query}` : path;
    button.disabled = true;
    try {
      const options = { method: form.dataset.method, headers, body: body?.value, credentials: token ? "omit" : "same-origin" };
      const response = await fetch(target, options);
      const text = await response.text();
      const told = ["content-type", "location", "link", "etag", "retry-after", "ratelimit-remaining"]
        .filter((name) => response.headers.has(name))
        .map((name) => `${name}: ${response.headers.get(name)}`);
      said.textContent = [`${form.dataset.method} ${target}`, `${response.status} ${response.statusText}`, ...told, "", shown(text)].join("\n");
    } catch (error) {
      said.textContent = String(error);
    } finally {
      answer.hidden = false;
      button.disabled = false;
    }
  });
}

function shown(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
