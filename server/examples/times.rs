//! Tells how long the newest promotion of each app took, from the database of a server that runs: for `cargo xtask bench`.
//! Prints one line of JSON, a list of `{"state", "applied_ms", "ended_ms"}`: from the request to the last apply and to the end.
//!
//! `times DATABASE_URL KEY APPS`

use anyhow::{Context as _, bail};
use slipway_portal::access::{self, may};
use slipway_portal::seal::Sealer;
use slipway_server::{config::Database, outside};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, key, apps] = arguments.as_slice() else {
        bail!("usage: times DATABASE_URL KEY APPS");
    };
    let store = outside::database(&Database { url: url.clone() }).await?;
    let portal = outside::portal(
        store,
        Sealer::new(key, &[]),
        slipway_portal::outgoing::Outgoing::with_loopback(),
        outside::Told::default(),
        String::from("http://127.0.0.1:3000"),
    )
    .await?;
    let system = portal.system("bench");
    let mut said = Vec::new();
    for number in 1..=apps.parse::<u32>().context("APPS is not a number")? {
        let app = access::app::<may::See>(&system, "acme", "checkout", &format!("app-{number}")).await?;
        let mut tx = system.read().await?;
        let Some(row) = tx.promotion_rows(&app, None, 1).await?.into_iter().next() else {
            continue;
        };
        let attempt = tx.deployments(&app, row.id).await?.into_iter().next();
        let after =
            |at: Option<slipway_domain::time::Timestamp>| at.map(|at| at.since(row.requested_at) / 1000);
        said.push(serde_json::json!({
            "state": row.state.key(),
            "applied_ms": after(attempt.as_ref().and_then(|one| one.applied_at)),
            "ended_ms": after(attempt.as_ref().and_then(|one| one.finished_at)),
        }));
    }
    println!("{}", serde_json::Value::from(said));
    Ok(())
}
