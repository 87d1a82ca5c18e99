import { createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";

const encode = (text: string | Buffer): string => Buffer.from(text).toString("base64url");

/** An OpenID Connect provider on 127.0.0.1, at which one person is always signed in. */
export class Provider {
  /** Who that is. */
  subject = "1";
  username = "pia";
  /** Whether it says that it has the authorization code flow. */
  hasCodeFlow = true;
  private readonly key = generateKeyPairSync("ec", { namedCurve: "P-256" });
  /** Code → the challenge and the nonce that were asked with. */
  private readonly codes = new Map<string, { challenge: string; nonce: string }>();

  private constructor(private readonly server: Server) {}

  static async start(): Promise<Provider> {
    const server = createServer();
    const provider = new Provider(server);
    server.on("request", (request, response) => void provider.answer(request, response));
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    return provider;
  }

  get url(): string {
    const address = this.server.address();
    if (address === null || typeof address === "string") throw new Error("the provider does not listen");
    return `http://127.0.0.1:${address.port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise<void>((done) => this.server.close(() => done()));
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? "/", this.url);
    const json = (body: unknown, status = 200) =>
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    if (pathname === "/.well-known/openid-configuration") {
      json({
        issuer: this.url,
        authorization_endpoint: `${this.url}/authorize`,
        token_endpoint: `${this.url}/token`,
        jwks_uri: `${this.url}/keys`,
        response_types_supported: this.hasCodeFlow ? ["code"] : ["id_token"],
        subject_types_supported: ["public"],
        id_token_signing_alg_values_supported: ["ES256"],
        code_challenge_methods_supported: ["S256"],
      });
    } else if (pathname === "/keys") {
      json({ keys: [{ ...this.key.publicKey.export({ format: "jwk" }), kid: "one", use: "sig" }] });
    } else if (pathname === "/authorize") {
      const code = randomBytes(16).toString("hex");
      const of = (name: string) => searchParams.get(name) ?? "";
      this.codes.set(code, { challenge: of("code_challenge"), nonce: of("nonce") });
      const back = new URL(of("redirect_uri"));
      back.searchParams.set("code", code);
      back.searchParams.set("state", of("state"));
      response.writeHead(303, { location: back.href }).end();
    } else if (pathname === "/token") {
      let body = "";
      for await (const piece of request) body += String(piece);
      const sent = new URLSearchParams(body);
      const asked = this.codes.get(sent.get("code") ?? "");
      this.codes.delete(sent.get("code") ?? "");
      const challenge = createHash("sha256").update(sent.get("code_verifier") ?? "").digest("base64url");
      if (!asked || asked.challenge !== challenge) json({ error: "invalid_grant" }, 400);
      else json({ access_token: "access", token_type: "Bearer", id_token: this.idToken(asked.nonce) });
    } else json({}, 404);
  }

  private idToken(nonce: string): string {
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      iss: this.url,
      sub: this.subject,
      aud: "slipway",
      iat: now,
      exp: now + 300,
      auth_time: now,
      nonce,
      name: "Pia Pohl",
      preferred_username: this.username,
    };
    const signed = `${encode(JSON.stringify({ alg: "ES256", kid: "one" }))}.${encode(JSON.stringify(claims))}`;
    const signature = sign("sha256", Buffer.from(signed), { key: this.key.privateKey, dsaEncoding: "ieee-p1363" });
    return `${signed}.${encode(signature)}`;
  }
}
