//! `slipway demo`

use crate::config::{Database, Log, SignIn};
use crate::demo::{self, Folder};
use crate::http::exchange::Line;
use crate::http::find_site;
use crate::http::gitlab_oauth::Gitlab;
use crate::http::provider::{Provider, Providers};
use crate::outside::{self, Told};
use crate::running::{self, Plan};
use crate::telemetry;
use slipway_app::SignInOptions;
use slipway_portal::outgoing::Outgoing;
use slipway_portal::provider;
use slipway_portal::seal::Sealer;
use slipway_sandbox::Sandbox;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

/// The demo's ways.
#[derive(clap::Args)]
pub struct Options {
    /// Where everything is kept, so that it survives a restart
    #[arg(long, value_name = "DIR", default_value = "slipway-demo")]
    data: PathBuf,
    /// The port of 127.0.0.1 to listen on
    #[arg(long, default_value_t = 3000)]
    port: u16,
    /// Begin anew: forget all that the folder has
    #[arg(long)]
    reset: bool,
}

pub(super) async fn run(options: Options) -> anyhow::Result<ExitCode> {
    let log = Log {
        filter: String::from("warn,slipway=info,slipway_server=info"),
        ..Log::default()
    };
    telemetry::log(&log);
    let address = SocketAddr::from(([127, 0, 0, 1], options.port));
    let mut told = running::until_told();
    let folder = Folder::open(&options.data, options.reset)?;
    let listener = running::bind(address, "--port").await?;
    let url = format!("http://{}", listener.local_addr()?);

    let database = Database {
        url: format!("sqlite://{}", folder.database().display()),
    };
    let (sandbox, store) = tokio::try_join!(demo::sandbox(&folder), outside::database(&database))?;
    let gitlab = Provider::Gitlab(Box::new(gitlab(&sandbox, &url)?));
    let sign_in = provider::SignIn {
        local: true,
        providers: vec![gitlab.configured()],
    };
    let portal = outside::portal(
        store,
        Sealer::new(&folder.key()?, &[]),
        Outgoing::with_loopback(),
        Told {
            sign_in,
            ..Told::default()
        },
        url.clone(),
    )
    .await?;
    tokio::select! {
        seeded = demo::seed(&portal, &sandbox, &folder) => seeded?,
        _ = told.wait_for(|stop| *stop) => return Ok(ExitCode::SUCCESS),
    }

    println!("{}", demo::welcome(&url, &sandbox, folder.path()));
    let plan = Plan {
        portal,
        site: find_site(None),
        sign_in: SignIn::default(),
        ways: SignInOptions {
            // The edge says what the configuration says.
            local: true,
            demo_people: demo::people::on_the_page(),
            demo_password: Some(demo::people::PASSWORD.to_owned()),
            providers: Vec::new(),
        },
        providers: Providers::new(vec![gitlab], Line::guarded(Outgoing::with_loopback())?, &url),
        behind_proxy: false,
        metrics_token: None,
    };
    let served = running::serve(plan, listener, told).await;
    sandbox.shutdown().await;
    served?;
    Ok(ExitCode::SUCCESS)
}

/// Registers Slipway with the sandbox's GitLab.
fn gitlab(sandbox: &Sandbox, url: &str) -> anyhow::Result<Gitlab> {
    let back = format!("{url}/sign-in/gitlab/callback");
    let (id, secret) = sandbox
        .gitlab()
        .seed_application("Slipway", &back, &["read_user"]);
    let line = Line::anywhere()?;
    Gitlab::new("GitLab", &sandbox.gitlab_url(), &id, &secret, url, line)
}
