//! Boards, backlogs and charts of projects with many items, on SQLite and on PostgreSQL.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value, json};

use super::load::Load;
use super::server::Server;
use super::{KEY, Options};
use crate::postgres::Cluster;
use crate::process::capture;
use crate::workspace::Workspace;

/// What `server/examples/fill_boards.rs` says of the database that it filled.
#[derive(serde::Deserialize)]
struct Filled {
    username: String,
    password: String,
    board: String,
    large: String,
    backlog: String,
    history: String,
    /// The numbers and ids of the cards of the board.
    cards: Vec<(i64, String)>,
}

/// A page, and by how many connections it is asked for.
type Asked<'a> = (&'a str, String, usize, &'a str);

/// How forms are sent.
const BODY: &str = "application/x-www-form-urlencoded";

pub fn measure(workspace: &Workspace, options: &Options, binary: &Path, folder: &Path) -> Result<Value> {
    let folder = folder.join("boards");
    fs::create_dir_all(&folder)?;
    let sqlite = format!("sqlite://{}", folder.join("slipway.db").display());
    let mut figures = Map::new();
    figures.insert(
        String::from("sqlite"),
        one(workspace, options, binary, &folder, &sqlite)?,
    );
    match Cluster::start(workspace) {
        Ok(cluster) => {
            let postgres = one(workspace, options, binary, &folder, &cluster.url())?;
            figures.insert(String::from("postgresql"), postgres);
        }
        Err(error) => eprintln!("PostgreSQL is left out: {error:#}"),
    }
    Ok(Value::Object(figures))
}

fn one(
    workspace: &Workspace,
    options: &Options,
    binary: &Path,
    folder: &Path,
    database: &str,
) -> Result<Value> {
    eprintln!("filling {}", database.split(':').next().unwrap_or_default());
    let mut cargo = workspace.cargo();
    cargo.args(["run", "--quiet", "--release", "--locked", "--package", "slipway"]);
    cargo.args(["--example", "fill_boards", "--", database, KEY]);
    let said = capture(&mut cargo)?;
    let filled: Filled = serde_json::from_str(said.trim())
        .context("the example `fill_boards` said something else than JSON")?;
    let server = super::serve(workspace, binary, folder, database)?;
    let cookie = server.sign_in(&filled.username, &filled.password)?;
    let mut figures = Map::new();
    let pages: [Asked<'_>; 9] = [
        ("board_500", format!("{}/board", filled.board), 1, "gzip"),
        ("board_500", format!("{}/board", filled.board), 32, "gzip"),
        ("board_1000", format!("{}/board", filled.large), 8, "gzip"),
        ("backlog", format!("{}/backlog", filled.backlog), 1, "identity"),
        ("table", format!("{}/table", filled.history), 1, "identity"),
        ("bugs", format!("{}/bugs", filled.history), 1, "identity"),
        ("insights", format!("{}/insights", filled.history), 1, "identity"),
        (
            "delivery",
            format!("{}/insights/dora", filled.history),
            1,
            "identity",
        ),
        (
            "value_stream",
            format!("{}/insights/stream", filled.history),
            1,
            "identity",
        ),
    ];
    for (name, path, connections, encoding) in pages {
        eprintln!("{name}: {connections} connections for {} s", options.seconds);
        // Asked for differently each time, so that no page is sent a second time as it was made.
        let request = |connection: usize, count: usize| {
            let fresh = format!("{path}?x={connection}-{count}");
            get(&server, &fresh, &cookie, encoding)
        };
        let load = Load {
            address: server.address,
            connections,
            duration: Duration::from_secs(options.seconds),
            request: &request,
            status: 200,
        };
        figures.insert(format!("{name}_at_{connections}"), load.run()?.json());
    }
    figures.insert(
        String::from("backlog_pages"),
        pages_of(&server, &filled.backlog, &cookie)?,
    );
    for connections in [1, 8] {
        let moves = moves(&server, options, &filled, &cookie, connections)?;
        figures.insert(format!("moves_at_{connections}"), moves);
    }
    figures.insert(String::from("resident_kib"), server.resident_kib()?.into());
    Ok(Value::Object(figures))
}

fn get(server: &Server, path: &str, cookie: &str, encoding: &str) -> Vec<u8> {
    format!(
        "GET {path} HTTP/1.1\r\nHost: {}\r\nAccept: text/html\r\nAccept-Encoding: {encoding}\r\n\
         Accept-Language: en\r\nCookie: {cookie}\r\n\r\n",
        server.address
    )
    .into_bytes()
}

/// The backlog from its first page to its last, as its links lead.
fn pages_of(server: &Server, project: &str, cookie: &str) -> Result<Value> {
    eprintln!("the backlog, page by page");
    let mut path = format!("{project}/backlog");
    let mut took = Vec::new();
    loop {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nAccept: text/html\r\nConnection: close\r\nCookie: {cookie}\r\n\r\n",
            server.address
        );
        let begun = Instant::now();
        let answer = server.request(request.as_bytes())?;
        took.push(begun.elapsed());
        if answer.status != 200 {
            bail!("{path}: the server answered {}", answer.status);
        }
        let html = String::from_utf8_lossy(&answer.body).replace("&amp;", "&");
        let next = html
            .split("href=\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .find(|href| href.starts_with(&format!("{project}/backlog?")) && href.contains("after="));
        match next {
            Some(next) if took.len() < 1_000 => next.clone_into(&mut path),
            _ => break,
        }
    }
    took.sort();
    let at = |percent: usize| super::milliseconds(took[(took.len() - 1) * percent / 100]);
    Ok(json!({ "pages": took.len(), "p50_ms": at(50), "p95_ms": at(95), "p99_ms": at(99) }))
}

/// Cards that are moved at random to behind others, as the page does it.
fn moves(
    server: &Server,
    options: &Options,
    filled: &Filled,
    cookie: &str,
    connections: usize,
) -> Result<Value> {
    eprintln!("moves: {connections} connections for {} s", options.seconds * 2);
    let (host, count) = (server.address, filled.cards.len());
    let request = |connection: usize, n: usize| {
        // Two of them, spread by a multiplication: no order, and the same in every run.
        let random = (connection * 1_000_003 + n).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let (one, other) = ((random >> 20) % count, (random >> 40) % count);
        let other = if one == other { (other + 1) % count } else { other };
        let body = format!(
            "org=acme&project=board&number={}&after={}",
            filled.cards[one].0, filled.cards[other].1
        );
        format!(
            "POST /api/fn/item/move HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nAccept: application/json\r\n\
             Content-Type: {BODY}\r\nCookie: {cookie}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes()
    };
    let load = Load {
        address: host,
        connections,
        duration: Duration::from_secs(options.seconds * 2),
        request: &request,
        status: 200,
    };
    Ok(load.run()?.json())
}
