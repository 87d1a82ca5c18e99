//! The places of the demo: an organization, a project, its apps, and the connections to the sandbox.

use super::CLUSTERS;
use super::people::PEOPLE;
use crate::installed;
use anyhow::Context as _;
use slipway_domain::person::PersonRef;
use slipway_domain::text::Locale;
use slipway_portal::{Actor, Error, OpCtx, Portal, Via, app, org, project};
use slipway_sandbox::Sandbox;
use std::collections::HashMap;

/// The organization.
pub const ORG: &str = "acme";
/// The project.
pub const PROJECT: &str = "checkout";

/// The apps: slug, name, what for.
const APPS: [(&str, &str, &str); 3] = [
    ("order-api", "Order API", "Takes orders over HTTP."),
    ("ledger", "Ledger", "Books every order twice."),
    ("storefront", "Storefront", "The shop's static pages."),
];

/// The organization's owner, at work.
///
/// # Errors
/// The demo has no owner.
pub fn owner(portal: &Portal, people: &HashMap<&str, PersonRef>) -> anyhow::Result<OpCtx> {
    let owner = people.get("ada").context("the demo has no owner")?;
    Ok(portal.ctx(Actor::User(owner.clone()), Via::Cli, "demo-seed", Locale::En))
}

/// Makes what is not there yet, as the organization's owner would.
///
/// # Errors
/// A use case refused, which is a bug, or the disk is full.
pub async fn seed(portal: &Portal, people: &HashMap<&str, PersonRef>) -> anyhow::Result<()> {
    let owner = people.get("ada").context("the demo has no owner")?;
    let system = portal.system("demo-seed");
    if system.read().await?.find_org(ORG).await?.is_none() {
        org::create(&system, ORG, "Acme", owner.id).await?;
    }
    let ctx = self::owner(portal, people)?;
    if absent(project::grid(&ctx, ORG, PROJECT).await)? {
        let input = project::Input {
            slug: PROJECT.to_owned(),
            name: String::from("Checkout"),
            description: String::from("From the cart to the receipt."),
            key: String::from("CHK"),
            internal: false,
        };
        project::create(&ctx, ORG, input).await?;
    }
    roles(&ctx, people).await?;
    for (slug, name, description) in APPS {
        if absent(app::overview(&ctx, ORG, PROJECT, slug).await)? {
            let input = app::Input {
                slug: slug.to_owned(),
                name: name.to_owned(),
                description: description.to_owned(),
            };
            app::create(&ctx, ORG, PROJECT, input).await?;
        }
    }
    Ok(())
}

fn absent<T>(found: slipway_portal::Result<T>) -> anyhow::Result<bool> {
    match found {
        Ok(_) => Ok(false),
        Err(Error::NotFound) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

async fn roles(ctx: &OpCtx, people: &HashMap<&str, PersonRef>) -> anyhow::Result<()> {
    let (_, members) = org::members(ctx, ORG, Some(PROJECT)).await?;
    for person in PEOPLE {
        let (Some(role), Some(known)) = (person.role, people.get(person.username)) else {
            continue;
        };
        if !members
            .iter()
            .any(|member| member.person.id == known.id && member.role.is(role))
        {
            org::grant(ctx, ORG, Some(PROJECT), known.id, role).await?;
        }
    }
    Ok(())
}

/// Keeps the connections to the sandbox.
///
/// # Errors
/// The database does not answer.
pub async fn connect(portal: &Portal, sandbox: &Sandbox) -> anyhow::Result<()> {
    let orgs = portal.store.read().await?.orgs().await?;
    let acme = orgs
        .iter()
        .find(|org| org.slug == ORG)
        .context("the demo has no organization")?;
    let kubeconfig =
        std::fs::read_to_string(sandbox.kubeconfig()).context("the sandbox wrote no kubeconfig")?;
    let mut tx = portal.store.write().await?;
    installed::put_gitlab(
        portal,
        &mut *tx,
        acme.id,
        "GitLab",
        sandbox.gitlab_url(),
        sandbox.gitlab_token(),
    )
    .await?;
    for name in CLUSTERS {
        installed::put_cluster(
            portal,
            &mut *tx,
            acme.id,
            name,
            Some(&kubeconfig),
            Some(name.to_owned()),
        )
        .await?;
    }
    tx.commit().await?;
    Ok(())
}
