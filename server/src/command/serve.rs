//! `slipway serve`

use super::ConfigFile;
use crate::config::Config;
use crate::http::exchange::Line;
use crate::http::find_site;
use crate::http::gitlab_oauth::Gitlab;
use crate::http::oidc::Oidc;
use crate::http::provider::{Provider, Providers};
use crate::outside::{self, Told};
use crate::running::{self, Plan};
use crate::{installed, telemetry};
use anyhow::Context as _;
use slipway_app::SignInOptions;
use slipway_portal::ports::MailAccess;
use slipway_portal::provider::SignIn;
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
    let providers = providers(&config)?;
    let told = Told {
        mail_server: mail_server(&config)?,
        shelving: config
            .attachments
            .shelving()
            .map_err(anyhow::Error::msg)
            .context("attachments")?,
        sign_in: SignIn {
            local: config.sign_in.local,
            providers: providers.iter().map(Provider::configured).collect(),
        },
    };
    let portal = outside::portal(
        store,
        outside::sealer(&config.secrets),
        config.outgoing.rule(),
        told,
        config.server.url(),
    )
    .await?;
    installed::keep(&portal, &config).await?;
    let plan = Plan {
        portal,
        site: find_site(config.server.site.as_ref()),
        providers: Providers::new(
            providers,
            Line::guarded(config.outgoing.rule()).context("the HTTP client of sign-in")?,
            &config.server.url(),
        ),
        ways: SignInOptions {
            // The edge says what the configuration says.
            local: true,
            demo_people: Vec::new(),
            demo_password: None,
            providers: Vec::new(),
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

/// The mail server of the configuration.
fn mail_server(config: &Config) -> anyhow::Result<Option<MailAccess>> {
    let Some(smtp) = &config.smtp else {
        return Ok(None);
    };
    let access = smtp.access().map_err(anyhow::Error::msg).context("smtp")?;
    Ok(Some(access))
}

fn providers(config: &Config) -> anyhow::Result<Vec<Provider>> {
    let line = Line::anywhere().context("the HTTP client of sign-in")?;
    let url = config.server.url();
    let mut providers = Vec::new();
    if let Some(gitlab) = &config.sign_in.gitlab {
        let secret = gitlab.client_secret.expose();
        let (name, base) = (&gitlab.name, &gitlab.base_url);
        let gitlab = Gitlab::new(name, base, &gitlab.client_id, secret, &url, line.clone());
        providers.push(Provider::Gitlab(Box::new(gitlab.context("sign_in.gitlab")?)));
    }
    for oidc in &config.oidc {
        let setup = oidc
            .setup()
            .map_err(|trouble| anyhow::anyhow!("oidc `{}`: {trouble}", oidc.key))?;
        let made = Oidc::new(setup, &url, line.clone()).with_context(|| format!("oidc `{}`", oidc.key))?;
        providers.push(Provider::Oidc(Box::new(made)));
    }
    Ok(providers)
}
