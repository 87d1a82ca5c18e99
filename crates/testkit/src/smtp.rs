//! A mail server, faked at the wire on 127.0.0.1: it speaks as much SMTP as a client that sends needs, keeps what it
//! takes, and has bad days when it is told to.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use parking_lot::Mutex;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What a server does wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SmtpFault {
    /// It closes each connection at once.
    Closes,
    /// It accepts connections and never says a word.
    Hangs,
    /// It greets like this: no mail server, or one that refuses.
    Greets(&'static str),
    /// It knows no login.
    NoLogin,
    /// It answers so to the command that begins like this, as in `("RCPT", "550 no such user")`.
    Answers(&'static str, &'static str),
    /// It closes the connection once the content was handed over.
    ClosesAfterContent,
    /// It never answers once the content was handed over.
    HangsAfterContent,
}

/// A mail that was taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TakenMail {
    /// The sender of the envelope.
    pub from: String,
    /// The recipients of the envelope.
    pub to: Vec<String>,
    /// The message as it came, with `\n` at the ends of lines.
    pub message: String,
}

#[derive(Default)]
struct State {
    fault: Option<SmtpFault>,
    login: Option<(String, String)>,
    taken: Vec<TakenMail>,
    logins: Vec<(String, String)>,
    commands: Vec<String>,
}

/// A mail server. It ends with its guard.
pub struct SmtpServer {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl SmtpServer {
    /// A server on a free port. It takes mail of everybody.
    ///
    /// # Panics
    /// There is no free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Self { address, state, task }
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// From now on, only those send who sign in so.
    pub fn wants(&self, username: &str, password: &str) {
        self.state.lock().login = Some((username.to_owned(), password.to_owned()));
    }

    /// From now on it does this wrong; `None`: nothing.
    pub fn fails(&self, fault: Option<SmtpFault>) {
        self.state.lock().fault = fault;
    }

    /// What it has taken, the newest last.
    pub fn taken(&self) -> Vec<TakenMail> {
        self.state.lock().taken.clone()
    }

    /// The logins that were tried.
    pub fn logins(&self) -> Vec<(String, String)> {
        self.state.lock().logins.clone()
    }

    /// Every command that came, without logins.
    pub fn commands(&self) -> Vec<String> {
        self.state.lock().commands.clone()
    }
}

/// What becomes of a connection.
enum Next {
    Goes,
    Ends,
}

async fn serve(stream: TcpStream, state: Arc<Mutex<State>>) {
    let fault = state.lock().fault.clone();
    if fault == Some(SmtpFault::Closes) {
        return;
    }
    let mut stream = BufReader::new(stream);
    let greeting = match fault {
        Some(SmtpFault::Hangs) => std::future::pending().await,
        Some(SmtpFault::Greets(greeting)) => greeting,
        _ => "220 mail.example.com ESMTP",
    };
    if say(&mut stream, greeting).await.is_none() {
        return;
    }
    let mut talk = Talk {
        state,
        signed_in: false,
        mail: TakenMail::default(),
    };
    loop {
        let mut line = String::new();
        match stream.read_line(&mut line).await {
            Ok(read) if read > 0 => {}
            _ => return,
        }
        match talk.command(&mut stream, line.trim_end()).await {
            Some(Next::Goes) => {}
            Some(Next::Ends) | None => return,
        }
    }
}

async fn say(stream: &mut BufReader<TcpStream>, words: &str) -> Option<()> {
    stream.write_all(format!("{words}\r\n").as_bytes()).await.ok()?;
    stream.flush().await.ok()
}

struct Talk {
    state: Arc<Mutex<State>>,
    signed_in: bool,
    mail: TakenMail,
}

impl Talk {
    async fn command(&mut self, stream: &mut BufReader<TcpStream>, line: &str) -> Option<Next> {
        let verb = line.get(..4).unwrap_or(line).to_ascii_uppercase();
        let (fault, login) = {
            let mut state = self.state.lock();
            let shown = if verb == "AUTH" { "AUTH" } else { line };
            state.commands.push(shown.to_owned());
            (state.fault.clone(), state.login.clone())
        };
        if let Some(SmtpFault::Answers(to, words)) = &fault
            && line.to_ascii_uppercase().starts_with(to)
        {
            say(stream, words).await?;
            return Some(Next::Goes);
        }
        match verb.as_str() {
            "EHLO" if fault == Some(SmtpFault::NoLogin) => say(stream, "250 mail.example.com").await?,
            "EHLO" => say(stream, "250-mail.example.com\r\n250 AUTH PLAIN").await?,
            "AUTH" => self.sign_in(stream, line, login.as_ref()).await?,
            "MAIL" if login.is_some() && !self.signed_in => say(stream, "530 5.7.0 sign in first").await?,
            "MAIL" => {
                self.mail.from = inside(line);
                say(stream, "250 2.1.0 ok").await?;
            }
            "RCPT" => {
                self.mail.to.push(inside(line));
                say(stream, "250 2.1.5 ok").await?;
            }
            "DATA" => {
                say(stream, "354 go on").await?;
                return self.content(stream, fault).await;
            }
            "QUIT" => {
                say(stream, "221 bye").await?;
                return Some(Next::Ends);
            }
            _ => say(stream, "502 5.5.1 what?").await?,
        }
        Some(Next::Goes)
    }

    async fn sign_in(
        &mut self,
        stream: &mut BufReader<TcpStream>,
        line: &str,
        login: Option<&(String, String)>,
    ) -> Option<()> {
        let sent = line.split(' ').nth(2).unwrap_or_default();
        let bytes = STANDARD.decode(sent).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let mut parts = text.split('\0').skip(1).map(str::to_owned);
        let given = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        self.signed_in = login.is_none_or(|login| *login == given);
        self.state.lock().logins.push(given);
        let words = if self.signed_in {
            "235 2.7.0 welcome"
        } else {
            "535 5.7.8 name or password are wrong"
        };
        say(stream, words).await
    }

    async fn content(&mut self, stream: &mut BufReader<TcpStream>, fault: Option<SmtpFault>) -> Option<Next> {
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.ok()? == 0 {
                return None;
            }
            let line = line.trim_end_matches(['\r', '\n']);
            if line == "." {
                break;
            }
            self.mail.message.push_str(line.strip_prefix('.').unwrap_or(line));
            self.mail.message.push('\n');
        }
        match fault {
            Some(SmtpFault::ClosesAfterContent) => return Some(Next::Ends),
            Some(SmtpFault::HangsAfterContent) => std::future::pending().await,
            Some(SmtpFault::Answers("content", words)) => say(stream, words).await?,
            _ => {
                let mail = std::mem::take(&mut self.mail);
                self.state.lock().taken.push(mail);
                say(stream, "250 2.0.0 taken").await?;
            }
        }
        Some(Next::Goes)
    }
}

/// What stands between `<` and `>`.
fn inside(line: &str) -> String {
    let after = line.split_once('<').map_or("", |(_, after)| after);
    after.split('>').next().unwrap_or_default().to_owned()
}

impl TakenMail {
    /// The lines of the header and the body, folded lines made whole.
    fn halves(&self) -> (Vec<String>, &str) {
        let (head, body) = self.message.split_once("\n\n").unwrap_or((&self.message, ""));
        (lines(head), body)
    }

    /// Every value of a header, whatever its case.
    pub fn headers(&self, name: &str) -> Vec<String> {
        values(&self.halves().0, name)
    }

    /// The value of a header that stands there once.
    ///
    /// # Panics
    /// It does not stand there, or twice.
    pub fn header(&self, name: &str) -> String {
        let mut found = self.headers(name);
        assert_eq!(found.len(), 1, "{name}: {}", self.message);
        found.remove(0)
    }

    /// The part of a media type, as in `text/plain`, decoded.
    ///
    /// # Panics
    /// There is none, or it is no UTF-8.
    pub fn part(&self, media: &str) -> String {
        let kind = self.header("Content-Type");
        let boundary = kind
            .split("boundary=")
            .nth(1)
            .expect("a boundary")
            .trim_matches('"');
        let parts = self
            .halves()
            .1
            .split(&format!("--{boundary}"))
            .collect::<Vec<_>>();
        for part in parts {
            let (head, body) = part.trim_start().split_once("\n\n").unwrap_or_default();
            let head = lines(head);
            if values(&head, "Content-Type")
                .iter()
                .any(|kind| kind.starts_with(media))
            {
                let coding = values(&head, "Content-Transfer-Encoding").concat();
                return decoded(&coding, body);
            }
        }
        panic!("no {media}: {}", self.message);
    }
}

fn lines(head: &str) -> Vec<String> {
    let mut whole: Vec<String> = Vec::new();
    for line in head.lines() {
        match whole.last_mut() {
            Some(last) if line.starts_with([' ', '\t']) => last.push_str(line),
            _ => whole.push(line.to_owned()),
        }
    }
    whole
}

fn values(head: &[String], name: &str) -> Vec<String> {
    let pairs = head.iter().filter_map(|line| line.split_once(':'));
    pairs
        .filter(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim().to_owned())
        .collect()
}

fn decoded(coding: &str, body: &str) -> String {
    let bytes = match coding {
        "base64" => STANDARD.decode(body.replace('\n', "")).expect("base64"),
        "quoted-printable" => unquoted(body),
        _ => body.as_bytes().to_vec(),
    };
    String::from_utf8(bytes).expect("UTF-8").replace("\r\n", "\n")
}

fn unquoted(body: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let joined = body.replace("=\n", "");
    let mut rest = joined.as_bytes();
    while let [first, tail @ ..] = rest {
        if let (b'=', [a, b, after @ ..]) = (first, tail) {
            let pair = [*a, *b];
            let hex = std::str::from_utf8(&pair).expect("ASCII");
            bytes.push(u8::from_str_radix(hex, 16).expect("hex"));
            rest = after;
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    bytes
}
