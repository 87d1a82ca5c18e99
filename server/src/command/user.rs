//! `slipway user`

use super::ConfigFile;
use crate::outside;
use anyhow::{Context as _, bail};
use slipway_domain::text::Locale;
use slipway_portal::person::NewAccount;
use slipway_portal::{Error, Via};
use std::io::{IsTerminal as _, Read as _};
use std::process::ExitCode;

/// What to do with people.
#[derive(clap::Subcommand)]
pub enum Command {
    /// Make an account and an organization that it owns; the password is asked for, or read from standard input
    CreateOwner(Owner),
}

/// The first owner.
#[derive(clap::Args)]
pub struct Owner {
    #[command(flatten)]
    file: ConfigFile,
    /// The sign-in name
    #[arg(long)]
    username: String,
    /// The display name
    #[arg(long)]
    name: String,
    /// Where mail goes
    #[arg(long)]
    email: Option<String>,
    /// The organization's name in addresses
    #[arg(long)]
    org_slug: String,
    /// The organization's name for people
    #[arg(long)]
    org_name: String,
}

pub(super) async fn run(command: Command) -> anyhow::Result<ExitCode> {
    let Command::CreateOwner(owner) = command;
    let config = owner.file.load()?;
    let store = outside::database(&config.database).await?;
    let portal = outside::portal(
        store,
        outside::sealer(&config.secrets),
        config.outgoing.rule(),
        config.server.url(),
    )
    .await?;
    let ctx = portal.ctx(
        slipway_portal::Actor::System,
        Via::Cli,
        "user-create-owner",
        Locale::En,
    );
    if ctx.read().await?.find_org(&owner.org_slug).await?.is_some() {
        bail!(
            "there is an organization {} already; choose another --org-slug",
            owner.org_slug
        );
    }
    let account = NewAccount {
        username: owner.username,
        name: owner.name,
        email: owner.email,
        password: password()?,
    };
    let person = slipway_portal::person::create(&ctx, account)
        .await
        .map_err(|error| plain(&error))?;
    let org = slipway_portal::org::create(&ctx, &owner.org_slug, &owner.org_name, person.id).await;
    let org = org.map_err(|error| plain(&error))?;
    println!(
        "{} owns {}. Sign in at {}/sign-in.",
        person.username,
        org.slug,
        config.server.url()
    );
    Ok(ExitCode::SUCCESS)
}

fn password() -> anyhow::Result<String> {
    if std::io::stdin().is_terminal() {
        let first = rpassword::prompt_password("Password: ").context("cannot read the password")?;
        if first != rpassword::prompt_password("Once more: ").context("cannot read the password")? {
            bail!("the two passwords differ; try again");
        }
        return Ok(first);
    }
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .context("cannot read the password from standard input")?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// The error in words, with the fields it names.
fn plain(error: &Error) -> anyhow::Error {
    match error {
        Error::Invalid(fields) => {
            let all: Vec<String> = fields
                .iter()
                .map(|f| format!("--{}: {}", f.field, f.text.en))
                .collect();
            anyhow::Error::msg(all.join("; "))
        }
        Error::Internal(source) => anyhow::anyhow!("{source}"),
        other => anyhow::Error::msg(other.text().en),
    }
}
