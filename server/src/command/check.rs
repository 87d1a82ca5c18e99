//! `slipway check-config`: everything that the configuration names is tried, and every trouble is told.

use super::ConfigFile;
use crate::config::{Attachments, Cluster, Config, Gitlab, Oidc, Smtp};
use crate::http::discovery::discover;
use crate::http::exchange::Line;
use crate::outside;
use axum::body::Bytes;
use futures::StreamExt as _;
use slipway_portal::ports::{
    ClusterAccess, ClusterConnector, Credential, ForgeAccess, ForgeConnector, MailError, Mailer, ShelfError,
    StoreError, TokenInfo,
};
use slipway_store::SqlStore;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// How long one connection may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// What was found, line by line.
#[derive(Debug, Default)]
pub struct Report {
    lines: Vec<String>,
    failed: bool,
}

impl Report {
    fn add(&mut self, what: &str, found: Result<String, String>) {
        match found {
            Ok(said) => self.lines.push(format!("ok    {what}: {said}")),
            Err(trouble) => {
                self.failed = true;
                self.lines.push(format!("FAIL  {what}: {trouble}"));
            }
        }
    }

    fn warn(&mut self, what: &str, words: &str) {
        self.lines.push(format!("warn  {what}: {words}"));
    }

    /// Whether anything failed.
    pub const fn failed(&self) -> bool {
        self.failed
    }

    /// The lines.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }
}

pub(super) async fn run(file: &ConfigFile) -> anyhow::Result<ExitCode> {
    let config = file.load()?;
    let report = check(&config).await;
    for line in report.lines() {
        println!("{line}");
    }
    Ok(if report.failed() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// Tries everything.
pub async fn check(config: &Config) -> Report {
    let mut report = Report::default();
    report.add(
        "server",
        Ok(format!(
            "listens on {}, reached at {}",
            config.server.listen,
            config.server.url()
        )),
    );
    let url = config.server.url();
    let loopback = ["http://127.0.0.1", "http://localhost", "http://[::1]"];
    if url.starts_with("http:") && !loopback.iter().any(|l| url.starts_with(l)) {
        report.warn(
            "server.public_url",
            "passwords and sessions travel unencrypted; put TLS in front and use https",
        );
    }
    report.add(
        &format!("database {}", config.database.shown()),
        database(config).await,
    );
    let forges = outside::forges(config.outgoing.rule());
    for gitlab in &config.gitlab {
        report.add(
            &format!("gitlab `{}`", gitlab.name),
            gitlab_of(&*forges, gitlab).await,
        );
    }
    let clusters = outside::clusters(config.outgoing.rule());
    for cluster in &config.clusters {
        report.add(
            &format!("cluster `{}`", cluster.name),
            cluster_of(&*clusters, cluster).await,
        );
    }
    if let Some(smtp) = &config.smtp {
        let mailer = outside::mailer(config.outgoing.rule(), &config.server.url());
        report.add("smtp", smtp_of(&*mailer, smtp).await);
    }
    if config.attachments.names_a_bucket() {
        report.add("attachments", bucket(&config.attachments).await);
    }
    if let Some(gitlab) = &config.sign_in.gitlab {
        report.add("sign_in.gitlab", provider(&gitlab.base_url).await);
    }
    for oidc in &config.oidc {
        report.add(&format!("oidc `{}`", oidc.key), discovered(oidc).await);
    }
    report
}

/// Whether the provider can be discovered, and the secret be read.
async fn discovered(oidc: &Oidc) -> Result<String, String> {
    oidc.client_secret()?;
    let line = Line::anywhere().map_err(|error| chain(&error))?;
    match discover(&line, &oidc.issuer).await {
        Ok(_) => Ok(format!("{} answers, and its endpoints are in order", oidc.issuer)),
        Err(error) => Err(format!("{error}; {REACH}")),
    }
}

/// Changes nothing: what is to be migrated is so at the next start.
async fn database(config: &Config) -> Result<String, String> {
    let url = &config.database.url;
    if let Some(file) = file_to_be(url) {
        return room_for(&file);
    }
    let advice = |error: StoreError| match error {
        StoreError::Newer { .. } | StoreError::Full => error.to_string(),
        _ if url.starts_with("sqlite:") => format!(
            "{}; check the path in database.url and that this user may write to its folder",
            chain(&error)
        ),
        _ => format!(
            "{}; check host, port, name, user and password in database.url, and that PostgreSQL lets this machine in",
            chain(&error)
        ),
    };
    let store = SqlStore::connect(url).await.map_err(advice)?;
    let behind = store.behind().await.map_err(advice)?;
    store.close().await;
    Ok(match behind {
        0 => String::from("answers, and is up to date"),
        lacks => format!("answers; the next start brings it up to date ({lacks} migrations)"),
    })
}

/// The SQLite file that the next start would make.
fn file_to_be(url: &str) -> Option<PathBuf> {
    let path = url.strip_prefix("sqlite:")?;
    let path = path.strip_prefix("//").unwrap_or(path);
    let path = path.split('?').next().unwrap_or(path);
    let file = PathBuf::from(path);
    (!path.is_empty() && path != ":memory:" && !file.exists()).then_some(file)
}

fn room_for(file: &Path) -> Result<String, String> {
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let shown = folder.display();
    let trial = folder.join(format!(".slipway-check-{}", std::process::id()));
    let tried = std::fs::write(&trial, "x").and_then(|()| std::fs::remove_file(&trial));
    tried.map_err(|error| {
        format!(
            "the file is not there, and {shown} cannot be written to: {error}; make the folder, or change database.url"
        )
    })?;
    Ok(String::from("is not there yet; the first start makes it"))
}

async fn gitlab_of(forges: &dyn ForgeConnector, gitlab: &Gitlab) -> Result<String, String> {
    let access = ForgeAccess {
        base_url: gitlab.base(),
        credential: Credential::Token(gitlab.token()?),
        operator: true,
    };
    let asked = async {
        let forge = forges.connect(&access)?;
        forge.token().await
    };
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(token)) => may_use(&gitlab.base(), &token),
        Ok(Err(error)) => Err(format!("{}: {error}. {}", gitlab.base(), gitlab_advice(&error))),
        Err(_) => Err(format!(
            "{} does not answer within {} s; {REACH}",
            gitlab.base(),
            PATIENCE.as_secs()
        )),
    }
}

/// Whether the token can do what Slipway needs.
fn may_use(base: &str, token: &TokenInfo) -> Result<String, String> {
    let name = &token.username;
    if !token.scopes.is_empty() && !token.scopes.iter().any(|scope| scope == "api") {
        let scopes = token.scopes.join(", ");
        return Err(format!(
            "{base} knows the token as {name}, but its scopes are {scopes}. Make one with the scope api"
        ));
    }
    let ends = token
        .expires_at
        .as_ref()
        .map(|day| format!(", which ends on {day}"))
        .unwrap_or_default();
    Ok(format!("{base} knows the token as {name}{ends}"))
}

const REACH: &str = "check base_url, the network and its proxies from this machine";

fn gitlab_advice(error: &slipway_portal::ports::ForgeError) -> &'static str {
    use slipway_portal::ports::ForgeError as E;
    match error {
        E::BadToken | E::Unauthorized(_) => {
            "Make a new access token with the scope api and set token or token_file"
        }
        E::Forbidden(_) => "Give the token the scope api",
        E::Unreachable(_) | E::OutOfBounds(_) => {
            "Check base_url, the network and its proxies from this machine"
        }
        E::Limited { .. } => "Try again later",
        E::NotFound(_) | E::Refused(_) | E::Broken(_) => "Is base_url a GitLab's root, without /api/v4?",
    }
}

async fn cluster_of(clusters: &dyn ClusterConnector, cluster: &Cluster) -> Result<String, String> {
    let access = ClusterAccess {
        kubeconfig: cluster.kubeconfig()?,
        context: cluster.context.clone(),
        operator: true,
    };
    let asked = async { clusters.connect(&access).await?.version().await };
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(version)) => Ok(format!("answers as {version}")),
        Ok(Err(error)) => Err(format!("{error}. {}", cluster_advice(&error))),
        Err(_) => Err(format!(
            "does not answer within {} s; check the server in the kubeconfig and the network",
            PATIENCE.as_secs()
        )),
    }
}

fn cluster_advice(error: &slipway_portal::ports::ClusterError) -> &'static str {
    use slipway_portal::ports::ClusterError as E;
    match error {
        E::Unreachable(_) => "Check the server in the kubeconfig and the network from this machine",
        E::Forbidden(_) => "Check the credentials in the kubeconfig, or the role of the service account",
        E::Limited { .. } => "Try again later",
        E::NotFound(_) | E::Conflict(_) | E::Refused(_) | E::Fenced(_) | E::Broken(_) => {
            "Is the server a Kubernetes API server? Check the context"
        }
    }
}

/// Signs in at the mail server and sends nothing.
async fn smtp_of(mailer: &dyn Mailer, smtp: &Smtp) -> Result<String, String> {
    let access = smtp.access()?;
    let server = &access.server;
    let place = format!("{}:{}", server.host, server.port);
    match mailer.greet(&access).await {
        Ok(()) if server.username.is_empty() => Ok(format!("{place} answers; nobody signs in")),
        Ok(()) => Ok(format!("{place} knows {}", server.username)),
        Err(error) => Err(format!("{place}: {error}. {}", mail_advice(&error))),
    }
}

/// Puts a small object into the bucket, reads it, and takes it away.
async fn bucket(attachments: &Attachments) -> Result<String, String> {
    let shelving = attachments.shelving()?;
    let Some(shelf) = &shelving.shelf else {
        return Ok(String::from("files lie in the database"));
    };
    let shown = attachments.shown();
    let key = format!("check-config/{}", uuid::Uuid::new_v4());
    let content = Bytes::from(format!("slipway check-config {key}"));
    let told = |step: &'static str| {
        let shown = shown.clone();
        move |error: ShelfError| format!("{shown}: {step}: {error}. {}", shelf_advice(&error))
    };
    shelf
        .put(&key, content.clone())
        .await
        .map_err(told("an object cannot be put"))?;
    let read = async {
        let mut pieces = shelf.get(&key).await?.pieces;
        let mut read = Vec::new();
        while let Some(piece) = pieces.next().await {
            read.extend_from_slice(&piece?);
        }
        Ok(read)
    };
    let read = read.await.map_err(told("what was put cannot be read"));
    // It goes, whatever was read.
    let gone = shelf
        .delete(&key)
        .await
        .map_err(told("what was put cannot be deleted"));
    if read? != content {
        return Err(format!(
            "{shown}: what was put is not what is read; is a cache or another storage in between?"
        ));
    }
    gone?;
    let new = if shelving.takes_new {
        "there"
    } else {
        "into the database"
    };
    Ok(format!(
        "{shown} takes, gives back and deletes objects; new files go {new}"
    ))
}

fn shelf_advice(error: &ShelfError) -> &'static str {
    use ShelfError as E;
    match error {
        E::Unreachable(_) | E::TimedOut => "Check attachments.endpoint, and the network from this machine",
        E::Denied(_) => {
            "Check attachments.access_key, secret_key and region, this machine's clock, and that the key may put, get and \
             delete objects below the prefix"
        }
        E::NoBucket => "Make the bucket, or check attachments.bucket and path_style",
        E::Elsewhere(_) => "Check attachments.region and endpoint",
        E::NoObject | E::Refused { .. } | E::Length { .. } => {
            "Is attachments.endpoint the root of an S3-compatible storage? Check path_style too"
        }
    }
}

fn mail_advice(error: &MailError) -> &'static str {
    use MailError as E;
    match error {
        E::Unreachable(_) | E::TimedOut | E::OutOfBounds(_) => {
            "Check smtp.host and smtp.port, and the network from this machine"
        }
        E::Tls(_) | E::NoStartTls | E::Broken(_) => {
            "Check smtp.security: tls (port 465), starttls (587) or none (25); and the server's certificate"
        }
        E::BadLogin(_) | E::NoLogin => "Check smtp.username and smtp.password",
        E::Later(_) | E::Unconfirmed(_) => "Try again later",
        E::SenderRefused(_) | E::RecipientRefused(_) | E::Refused(_) => "Ask who runs the mail server",
    }
}

async fn provider(base_url: &str) -> Result<String, String> {
    let url = format!(
        "{}/.well-known/openid-configuration",
        base_url.trim_end_matches('/')
    );
    let client = reqwest::Client::builder()
        .timeout(PATIENCE)
        .build()
        .map_err(|error| chain(&error))?;
    let answer = client
        .get(&url)
        .send()
        .await
        .map_err(|error| format!("{}; {REACH}", chain(&error)))?;
    let status = answer.status();
    if status.is_success() {
        Ok(format!("{base_url} answers"))
    } else {
        Err(format!("{url} answers {status}; is base_url a GitLab's root?"))
    }
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
