import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { Orders } from "./orders.js";

function answer(response, status, body) {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

async function read(request) {
  let text = "";
  for await (const chunk of request) text += chunk;
  return JSON.parse(text);
}

/** An HTTP server that is not listening yet. */
export function build(orders = new Orders()) {
  return createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    const found = /^\/orders\/(\d+)$/.exec(pathname);
    if (pathname === "/healthz") return answer(response, 200, { status: "ok" });
    if (pathname === "/version") return answer(response, 200, { version: process.env.VERSION ?? "dev" });
    if (pathname === "/orders" && request.method === "POST") {
      try {
        return answer(response, 201, orders.add((await read(request)).items));
      } catch (error) {
        return answer(response, 422, { error: error.message });
      }
    }
    const order = found && orders.find(Number(found[1]));
    return order ? answer(response, 200, order) : answer(response, 404, { error: "not found" });
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const port = Number(process.env.PORT ?? 8080);
  const server = build().listen(port, () => console.log(`order-api listens on ${port}`));
  process.on("SIGTERM", () => server.close());
}
