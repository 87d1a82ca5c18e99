//! `slipway serve`

use super::ConfigFile;
use crate::config::Config;
use crate::http::{find_site, oauth};
use crate::running::{self, Plan};
use crate::{installed, outside, telemetry};
use anyhow::Context as _;
use slipway_app::{Provider, SignInOptions};
use std::process::ExitCode;

pub(super) async fn run(file: &ConfigFile) -> anyhow::Result<ExitCode> {
    let config = file.load()?;
    telemetry::log(&config.log);
    let address = config
        .server
        .address()
        .context("server.listen is not an address")?;
    let listener = running::bind(address, "server.listen").await?;
    let store = outside::database(&config.database).await?;
    let portal = outside::portal(store, outside::sealer(&config.secrets), config.server.url()).await?;
    installed::keep(&portal, &config).await?;
    let plan = Plan {
        portal,
        site: find_site(config.server.site.as_ref()),
        gitlab: gitlab(&config)?,
        ways: SignInOptions {
            // The edge says what the configuration says.
            local: true,
            demo_people: Vec::new(),
            demo_password: None,
            providers: providers(&config),
        },
        behind_proxy: config.server.behind_proxy,
        metrics_token: config
            .server
            .metrics_token
            .as_ref()
            .map(|token| token.expose().to_owned()),
        sign_in: config.sign_in.clone(),
    };
    tracing::info!(url = config.server.url(), listening = %address, database = config.database.shown(), "Slipway serves");
    running::serve(plan, listener, running::until_told()).await?;
    Ok(ExitCode::SUCCESS)
}

fn gitlab(config: &Config) -> anyhow::Result<Option<oauth::Gitlab>> {
    let Some(gitlab) = &config.sign_in.gitlab else {
        return Ok(None);
    };
    oauth::Gitlab::new(
        &gitlab.base_url,
        &gitlab.client_id,
        gitlab.client_secret.expose(),
        &config.server.url(),
    )
    .context("sign_in.gitlab")
    .map(Some)
}

fn providers(config: &Config) -> Vec<Provider> {
    let gitlab = config.sign_in.gitlab.as_ref();
    gitlab
        .map(|gitlab| Provider {
            key: String::from("gitlab"),
            name: gitlab.name.clone(),
        })
        .into_iter()
        .collect()
}
