//! `slipway user`

use super::ConfigFile;
use crate::outside::{self, Told};
use anyhow::{Context as _, bail};
use slipway_domain::person::PersonRef;
use slipway_domain::text::Locale;
use slipway_portal::person::NewAccount;
use slipway_portal::{Error, OpCtx, Via, factor, member, operator, person};
use std::io::{IsTerminal as _, Read as _};
use std::process::ExitCode;

/// What to do with people.
#[derive(clap::Subcommand)]
pub enum Command {
    /// Make an account and an organization that it owns; the password is asked for, or read from standard input. The
    /// first account of all is an operator of the server as well
    CreateOwner(Owner),
    /// Give an account a new password and end its sessions; the password is asked for, or read from standard input
    ResetPassword(Someone),
    /// Forget the failed sign-ins that lock an account
    Unlock(Someone),
    /// Switch the second step of an account's sign-in off, for who lost the phone and the recovery codes
    ResetTotp(Someone),
    /// Switch an account off: it signs in no more, holds no role and has no session
    Deactivate(Someone),
    /// Switch an account on again
    Activate(Someone),
    /// Make an account an operator of the server: it sees and changes what concerns every organization
    GrantOperator(Someone),
    /// Make an account an operator no more
    RevokeOperator(Someone),
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

/// An account.
#[derive(clap::Args)]
pub struct Someone {
    #[command(flatten)]
    file: ConfigFile,
    /// The sign-in name
    #[arg(long)]
    username: String,
}

pub(super) async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::CreateOwner(owner) => create_owner(owner).await?,
        Command::ResetPassword(someone) => {
            let (ctx, found) = someone.find("user-reset-password").await?;
            person::reset_password(&ctx, found.id, password()?)
                .await
                .map_err(|error| plain(&error))?;
            println!("{} has a new password, and no session any more.", found.username);
        }
        Command::Unlock(someone) => {
            let (ctx, found) = someone.find("user-unlock").await?;
            person::unlock(&ctx, &found)
                .await
                .map_err(|error| plain(&error))?;
            println!("{} can sign in again.", found.username);
        }
        Command::ResetTotp(someone) => {
            let (ctx, found) = someone.find("user-reset-totp").await?;
            factor::reset(&ctx, found.id)
                .await
                .map_err(|error| plain(&error))?;
            println!("{} signs in by password alone.", found.username);
        }
        Command::Deactivate(someone) => someone.set_active(false).await?,
        Command::Activate(someone) => someone.set_active(true).await?,
        Command::GrantOperator(someone) => {
            let (ctx, found) = someone.find("user-grant-operator").await?;
            operator::grant(&ctx, found.id)
                .await
                .map_err(|error| plain(&error))?;
            println!("{} is an operator of this server.", found.username);
        }
        Command::RevokeOperator(someone) => {
            let (ctx, found) = someone.find("user-revoke-operator").await?;
            operator::revoke(&ctx, found.id)
                .await
                .map_err(|error| plain(&error))?;
            println!("{} is no operator of this server.", found.username);
            warn_without_operator(&ctx).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl ConfigFile {
    /// The context of what is done here, with the address that Slipway is reached at.
    async fn ctx(&self, what: &'static str) -> anyhow::Result<(OpCtx, String)> {
        let config = self.load()?;
        let store = outside::database(&config.database).await?;
        let sealer = outside::sealer(&config.secrets);
        let portal = outside::portal(
            store,
            sealer,
            config.outgoing.rule(),
            Told::default(),
            config.server.url(),
        )
        .await?;
        let ctx = portal.ctx(slipway_portal::Actor::System, Via::Cli, what, Locale::En);
        Ok((ctx, config.server.url()))
    }
}

impl Someone {
    async fn find(&self, what: &'static str) -> anyhow::Result<(OpCtx, PersonRef)> {
        let (ctx, _) = self.file.ctx(what).await?;
        match person::by_username(&ctx, &self.username).await {
            Ok(found) => Ok((ctx, found)),
            Err(Error::NotFound) => bail!("there is no account {}; check --username", self.username),
            Err(error) => Err(plain(&error)),
        }
    }

    async fn set_active(&self, active: bool) -> anyhow::Result<()> {
        let (ctx, found) = self.find("user-set-active").await?;
        member::set_active(&ctx, &found, active)
            .await
            .map_err(|error| plain(&error))?;
        let word = if active { "on" } else { "off" };
        println!("{} is switched {word}.", found.username);
        if active {
            return Ok(());
        }
        warn_without_operator(&ctx).await
    }
}

/// Says so where nobody is an operator.
async fn warn_without_operator(ctx: &OpCtx) -> anyhow::Result<()> {
    if operator::count(ctx).await.map_err(|error| plain(&error))? == 0 {
        println!("Nobody is an operator of this server now; make one with `slipway user grant-operator`.");
    }
    Ok(())
}

async fn create_owner(owner: Owner) -> anyhow::Result<()> {
    let (ctx, url) = owner.file.ctx("user-create-owner").await?;
    if ctx.read().await?.find_org(&owner.org_slug).await?.is_some() {
        bail!(
            "there is an organization {} already; choose another --org-slug",
            owner.org_slug
        );
    }
    let first = operator::is_untouched(&ctx)
        .await
        .map_err(|error| plain(&error))?;
    let account = NewAccount {
        username: owner.username,
        name: owner.name,
        email: owner.email,
        password: password()?,
    };
    let person = person::create(&ctx, account)
        .await
        .map_err(|error| plain(&error))?;
    let org = slipway_portal::org::create(&ctx, &owner.org_slug, &owner.org_name, person.id).await;
    let org = org.map_err(|error| plain(&error))?;
    println!("{} owns {}. Sign in at {url}/sign-in.", person.username, org.slug);
    if first {
        operator::grant(&ctx, person.id)
            .await
            .map_err(|error| plain(&error))?;
        println!(
            "It is the first account, so it is an operator of this server too: {url}/operator has what concerns every organization."
        );
        return Ok(());
    }
    warn_without_operator(&ctx).await
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
