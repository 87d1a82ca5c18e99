//! The people of the demo.

use anyhow::Context as _;
use serde::Deserialize;
use slipway_app::DemoPerson;
use slipway_domain::access::Role;
use slipway_domain::person::PersonRef;
use slipway_portal::person::NewAccount;
use slipway_portal::ports::IdentityRow;
use slipway_portal::{Portal, operator};
use slipway_sandbox::Sandbox;
use std::collections::HashMap;

/// The password of everybody.
pub const PASSWORD: &str = "slipway-demo";

/// Somebody of the demo.
pub struct Someone {
    /// The sign-in name, here and in the sandbox's GitLab.
    pub username: &'static str,
    /// The display name.
    pub name: &'static str,
    /// What they do, in English.
    pub en: &'static str,
    /// What they do, in Chinese.
    pub zh: &'static str,
    /// The role in the project; `None`: the organization's owner.
    pub role: Option<Role>,
}

const fn someone(
    username: &'static str,
    name: &'static str,
    role: Option<Role>,
    en: &'static str,
    zh: &'static str,
) -> Someone {
    Someone {
        username,
        name,
        en,
        zh,
        role,
    }
}

/// Everybody, in the order of the sign-in page.
pub const PEOPLE: &[Someone] = &[
    someone(
        "dora",
        "Dora Diaz",
        Some(Role::ProjectDeveloper),
        "Developer",
        "开发",
    ),
    someone(
        "devon",
        "Devon Lee",
        Some(Role::ProjectLead),
        "Development lead, approves for dev",
        "开发负责人，开发审批人",
    ),
    someone(
        "quinn",
        "Quinn Park",
        Some(Role::ProjectTester),
        "Tester, approves for QA",
        "测试，测试审批人",
    ),
    someone(
        "lin",
        "Lin 林立",
        Some(Role::ProjectOps),
        "Operations, approves for live",
        "运维，上线审批人",
    ),
    someone(
        "ops-oli",
        "Oli Berg",
        Some(Role::ProjectOps),
        "Operations, operator of this server",
        "运维，服务器管理员",
    ),
    someone(
        "mara",
        "Mara Stone",
        Some(Role::ProjectProduct),
        "Product manager",
        "产品经理",
    ),
    someone(
        "ada",
        "Ada Okafor",
        None,
        "Owner of the organization",
        "组织所有者",
    ),
    someone(
        "vic",
        "Vic Novak",
        Some(Role::ProjectViewer),
        "Only looks",
        "只读",
    ),
];

/// As the sign-in page shows them.
pub fn on_the_page() -> Vec<DemoPerson> {
    let shown = |p: &Someone| DemoPerson {
        username: p.username.to_owned(),
        name: p.name.to_owned(),
        role_en: p.en.to_owned(),
        role_zh: p.zh.to_owned(),
    };
    PEOPLE.iter().map(shown).collect()
}

fn email(username: &str) -> String {
    format!("{username}@acme.example")
}

/// Makes the accounts that are not there yet, here and in the sandbox's GitLab, and its repositories.
///
/// # Errors
/// A use case refused, which is a bug, or the disk is full.
pub async fn seed(portal: &Portal, sandbox: &Sandbox) -> anyhow::Result<HashMap<&'static str, PersonRef>> {
    let ctx = portal.system("demo-seed");
    let mut people = HashMap::new();
    for person in PEOPLE {
        let known = ctx.read().await?.credentials(person.username).await?;
        let made = if let Some(credentials) = known {
            credentials.person.as_ref()
        } else {
            let account = NewAccount {
                username: person.username.to_owned(),
                name: person.name.to_owned(),
                email: Some(email(person.username)),
                password: PASSWORD.to_owned(),
            };
            slipway_portal::person::create(&ctx, account).await?
        };
        people.insert(person.username, made);
    }
    let gitlab = sandbox.gitlab().clone();
    tokio::task::spawn_blocking(move || {
        for person in PEOPLE {
            gitlab.seed_user(person.username, person.name, &email(person.username))?;
        }
        let developers: Vec<&str> = PEOPLE
            .iter()
            .map(|p| p.username)
            .filter(|name| *name != "vic")
            .collect();
        gitlab.seed_samples(&developers)?;
        gitlab.seed_group()
    })
    .await?
    .context("the sandbox's repositories could not be made")?;
    Ok(people)
}

/// Who is an operator of the demo's server.
const OPERATOR: &str = "ops-oli";

/// Makes somebody an operator where nobody is.
///
/// # Errors
/// The database does not answer.
pub async fn operate(portal: &Portal) -> anyhow::Result<()> {
    let ctx = portal.system("demo-seed");
    if operator::count(&ctx).await? > 0 {
        return Ok(());
    }
    let person = slipway_portal::person::by_username(&ctx, OPERATOR).await?;
    Ok(operator::grant(&ctx, person.id).await?)
}

/// Who a token of the sandbox's GitLab is.
#[derive(Deserialize)]
struct GitlabUser {
    id: u64,
}

/// Links the accounts with those of the sandbox's GitLab, so that signing in there is signing in here.
///
/// # Errors
/// The sandbox or the database does not answer.
pub async fn link(portal: &Portal, sandbox: &Sandbox) -> anyhow::Result<()> {
    let issuer = sandbox.gitlab_url();
    let client = reqwest::Client::new();
    let mut missing = Vec::new();
    for person in PEOPLE {
        let token = sandbox
            .gitlab()
            .seed_user(person.username, person.name, &email(person.username))?;
        let answer = client
            .get(format!("{issuer}/api/v4/user"))
            .bearer_auth(token)
            .send()
            .await?;
        let subject = answer
            .error_for_status()?
            .json::<GitlabUser>()
            .await?
            .id
            .to_string();
        let mut tx = portal.store.read().await?;
        if tx.person_of_identity(&issuer, &subject).await?.is_none()
            && let Some(known) = tx.credentials(person.username).await?
        {
            missing.push((known.person, subject));
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let mut tx = portal.store.write().await?;
    for (person, subject) in missing {
        let identity = IdentityRow {
            issuer: issuer.clone(),
            subject,
            provider: String::from("GitLab"),
            label: person.username,
            created_at: portal.clock.now(),
            used_at: None,
        };
        tx.insert_identity(person.id, &identity).await?;
    }
    tx.commit().await?;
    Ok(())
}
