import { type Server, type Socket, createServer } from "node:net";

/** A mail server on 127.0.0.1 that takes every mail, until it is told to refuse the recipients. */
export class MailServer {
  /** What it took, the newest last. */
  readonly taken: string[] = [];
  /** What it answers to a recipient. */
  recipient = "250 2.1.5 ok";
  private readonly sockets = new Set<Socket>();

  private constructor(private readonly server: Server) {}

  static async start(): Promise<MailServer> {
    const server = createServer();
    const mail = new MailServer(server);
    server.on("connection", (socket) => mail.serve(socket));
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    return mail;
  }

  get port(): number {
    const address = this.server.address();
    if (address === null || typeof address === "string") throw new Error("the mail server does not listen");
    return address.port;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise<void>((done) => this.server.close(() => done()));
  }

  private serve(socket: Socket): void {
    this.sockets.add(socket);
    socket.on("close", () => this.sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    const say = (words: string) => socket.write(`${words}\r\n`);
    let rest = "";
    let content: string[] | undefined;
    socket.on("data", (bytes) => {
      const lines = (rest + bytes.toString("utf8")).split("\r\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        if (content) {
          if (line === ".") {
            this.taken.push(content.join("\n"));
            content = undefined;
            say("250 2.0.0 taken");
          } else content.push(line);
          continue;
        }
        const verb = line.slice(0, 4).toUpperCase();
        if (verb === "DATA") {
          content = [];
          say("354 go on");
        } else if (verb === "QUIT") {
          say("221 bye");
          socket.end();
        } else if (verb === "RCPT") say(this.recipient);
        else say("250 ok");
      }
    });
    say("220 mail ESMTP");
  }
}
