//! Every server function and every route × every built-in role, in its own organization and from another one. What
//! each gets is `matrix.txt`, which `SLIPWAY_WRITE_MATRIX=1` writes anew.

use crate::coverage::operator::operators;
use crate::coverage::own::{OWN, OWNERS, PUBLIC};
use crate::coverage::{Call, ask, calls, server_functions};
use crate::scene::{Answer, Places, Scene, URL};
use slipway_domain::access::{Role, ScopeKind};
use slipway_portal::access::At;
use slipway_portal::{app, member, org, project};
use slipway_store::SqlStore;
use slipway_testkit::Unconnected;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

const SNAPSHOT: &str = include_str!("matrix.txt");

/// Let in, whatever else is wrong with the request.
const ALLOWED: char = '+';
/// Refused: 403.
const REFUSED: char = '-';
/// What is asked for is not there, word for word as for somebody who sees nothing: 404.
const UNSEEN: char = '.';

/// Somebody who holds one role and nothing else.
struct Holder {
    role: Role,
    /// Of another organization than the one that is asked for.
    stranger: bool,
    cookie: String,
}

/// A furnished scene, its database kept aside.
struct Template {
    scene: Scene,
    places: Places,
    holders: Vec<Holder>,
    /// The cookies of somebody who is nowhere.
    nobody: String,
}

impl Template {
    async fn new() -> Self {
        let mut scene = Scene::new().await;
        let places = scene.furnish().await;
        let olga = scene.ctx("olga");
        let input = project::Input {
            slug: String::from("checkout"),
            name: String::from("Checkout"),
            description: String::new(),
            key: String::from("CHK"),
            internal: false,
        };
        project::create(&olga, "other", input).await.unwrap();
        let input = app::Input {
            slug: String::from("order-api"),
            name: String::from("Order API"),
            description: String::new(),
        };
        app::create(&olga, "other", "checkout", input).await.unwrap();
        let mut holders = Vec::new();
        for (organization, owner) in [("acme", "ada"), ("other", "olga")] {
            for role in Role::ALL {
                let name: &'static str = format!("{organization}.{}", role.key()).leak();
                scene.person(name).await;
                hold(&scene, owner, organization, name, *role).await;
                holders.push(Holder {
                    role: *role,
                    stranger: organization == "other",
                    cookie: scene.session(name).await,
                });
            }
        }
        let nobody = scene.session("nora").await;
        Self {
            scene,
            places,
            holders,
            nobody,
        }
    }

    /// A server of its own on a copy of the database.
    async fn copy(&self) -> Scene {
        let folder = tempfile::tempdir().unwrap();
        for file in ["test.db", "test.db-wal"] {
            let kept = self.scene.folder.path().join(file);
            if kept.exists() {
                std::fs::copy(kept, folder.path().join(file)).unwrap();
            }
        }
        let url = format!("sqlite://{}", folder.path().join("test.db").display());
        let store = SqlStore::connect(&url).await.unwrap();
        let mut copy = Scene::replica(store, Arc::new(Unconnected), folder, URL).await;
        copy.people.clone_from(&self.scene.people);
        copy
    }
}

/// Gives `who` the role at the place of its kind, and no other.
async fn hold(scene: &Scene, owner: &str, organization: &str, who: &'static str, role: Role) {
    let (owner, person) = (scene.ctx(owner), scene.people[who].id);
    match role.scope() {
        ScopeKind::Org => org::grant(&owner, organization, None, person, role)
            .await
            .unwrap(),
        ScopeKind::Project => org::grant(&owner, organization, Some("checkout"), person, role)
            .await
            .unwrap(),
        ScopeKind::App => {
            // Only whoever is of the organization already can be given a role at an app.
            let viewer = Role::ProjectViewer;
            org::grant(&owner, organization, Some("checkout"), person, viewer)
                .await
                .unwrap();
            let at = At::new(organization, Some("checkout"), Some("order-api"));
            member::grant(&owner, at, &format!("person.{person}"), role.key())
                .await
                .unwrap();
            let statement = format!(
                "DELETE FROM role_bindings WHERE user_id = '{person}' AND role = '{}'",
                viewer.key()
            );
            scene.store.execute_for_tests(statement).await.unwrap();
        }
    }
}

/// The answer without what is never the same twice.
fn words(answer: &Answer) -> String {
    match serde_json::from_str::<serde_json::Value>(&answer.body) {
        Ok(serde_json::Value::Object(mut problem)) => {
            problem.remove("request_id");
            problem.remove("instance");
            serde_json::Value::Object(problem).to_string()
        }
        _ => answer.body.clone(),
    }
}

/// A server on a copy of the database that nothing has changed yet. It is made anew only after something has: making one
/// takes longer than asking it.
struct Clean<'a> {
    template: &'a Template,
    scene: Option<Scene>,
}

impl<'a> Clean<'a> {
    const fn of(template: &'a Template) -> Self {
        Self {
            template,
            scene: None,
        }
    }

    /// Asks it; what was changed is forgotten.
    async fn ask(
        &mut self,
        functions: &BTreeMap<String, bool>,
        (name, arguments): (&str, &str),
        cookie: &str,
    ) -> Answer {
        let scene = match self.scene.take() {
            Some(scene) => scene,
            None => self.template.copy().await,
        };
        let got = ask(&scene, functions, name, arguments, Some(cookie)).await;
        let reads = name.starts_with("GET") || functions.get(name) == Some(&false);
        if reads || got.status.as_u16() >= 400 {
            self.scene = Some(scene);
        }
        got
    }
}

/// What one call gives to each holder.
struct Row {
    own: String,
    /// Strangers who got something else than somebody who sees nothing.
    leaks: Vec<String>,
}

async fn row(clean: &mut Clean<'_>, functions: &BTreeMap<String, bool>, call: &Call) -> Row {
    let template = clean.template;
    let asked = (call.name, call.arguments.as_str());
    let unseen = clean.ask(functions, asked, &template.nobody).await;
    let mut row = Row {
        own: String::new(),
        leaks: Vec::new(),
    };
    for holder in &template.holders {
        let got = clean.ask(functions, asked, &holder.cookie).await;
        let mark = match got.status.as_u16() {
            401 => panic!("{} as {}: nobody", call.name, holder.role.key()),
            403 => REFUSED,
            404 if words(&got) == words(&unseen) => UNSEEN,
            _ => ALLOWED,
        };
        if holder.stranger {
            if mark != UNSEEN {
                row.leaks.push(format!(
                    "{} to {} of another organization: {} {}",
                    call.name,
                    holder.role.key(),
                    got.status,
                    got.body
                ));
            }
        } else {
            row.own.push(mark);
        }
    }
    row
}

/// What nobody's place is: one's own things, and what anybody may ask.
async fn own(clean: &mut Clean<'_>, functions: &BTreeMap<String, bool>, rows: &mut BTreeMap<String, String>) {
    let template = clean.template;
    let own = OWN.iter().map(|(name, arguments, _)| (*name, *arguments));
    for (name, arguments) in own
        .chain(PUBLIC.iter().copied())
        .chain(OWNERS.iter().map(|(name, arguments, _)| (*name, *arguments)))
    {
        // It never ends.
        if name == "GET /live" {
            continue;
        }
        let mut cells = String::new();
        for holder in template.holders.iter().filter(|holder| !holder.stranger) {
            let got = clean.ask(functions, (name, arguments), &holder.cookie).await;
            let refused =
                got.status == 403 || OWNERS.iter().any(|(owners, ..)| *owners == name) && got.status == 422;
            cells.push(if refused { REFUSED } else { ALLOWED });
        }
        rows.insert(name.to_owned(), cells);
    }
}

/// What is for operators of the server: no role makes anybody one.
async fn of_operators(
    clean: &mut Clean<'_>,
    functions: &BTreeMap<String, bool>,
    rows: &mut BTreeMap<String, String>,
) {
    let template = clean.template;
    for (name, arguments, _) in operators(&template.places) {
        let mut cells = String::new();
        for holder in template.holders.iter().filter(|holder| !holder.stranger) {
            let got = clean
                .ask(functions, (name, arguments.as_str()), &holder.cookie)
                .await;
            cells.push(match got.status.as_u16() {
                403 => REFUSED,
                404 => UNSEEN,
                _ => ALLOWED,
            });
        }
        rows.insert(name.to_owned(), cells);
    }
}

fn written(rows: &BTreeMap<String, String>) -> String {
    let mut text = format!(
        "# What each built-in role gets of each server function and route, alone and nowhere else:\n\
         # {ALLOWED} let in, {REFUSED} refused (403), {UNSEEN} not there (404, as for somebody who sees nothing).\n\
         # Where a call names something that was never there, those who are let in get {UNSEEN} as well.\n\
         # Every role of another organization gets {UNSEEN} of every call that names a place. The columns:\n"
    );
    for (position, role) in Role::ALL.iter().enumerate() {
        writeln!(text, "# {:2} {}", position + 1, role.key()).unwrap();
    }
    let width = rows.keys().map(String::len).max().unwrap_or_default();
    for (name, cells) in rows {
        writeln!(text, "{name:width$}  {cells}").unwrap();
    }
    text
}

#[tokio::test]
async fn every_call_gives_every_role_what_the_matrix_says() {
    let template = Template::new().await;
    let functions = server_functions();
    let (mut rows, mut leaks) = (BTreeMap::new(), Vec::new());
    let mut clean = Clean::of(&template);
    for call in calls(&template.places) {
        let row = row(&mut clean, &functions, &call).await;
        let mut name = call.name.to_owned();
        while rows.contains_key(&name) {
            // The same call of another kind of place.
            name.push_str(" *");
        }
        rows.insert(name, row.own);
        leaks.extend(row.leaks);
    }
    own(&mut clean, &functions, &mut rows).await;
    of_operators(&mut clean, &functions, &mut rows).await;
    assert!(leaks.is_empty(), "{}", leaks.join("\n"));
    let text = written(&rows);
    if std::env::var_os("SLIPWAY_WRITE_MATRIX").is_some() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/access/matrix.txt");
        std::fs::write(file, text).unwrap();
        return;
    }
    let kept: HashMap<&str, &str> = cells(SNAPSHOT).collect();
    let differ: Vec<_> = cells(&text)
        .filter(|(name, cells)| kept.get(name) != Some(cells))
        .map(|(name, cells)| format!("{name}  {cells}, not {}", kept.get(name).unwrap_or(&"there")))
        .collect();
    assert!(differ.is_empty(), "{}", differ.join("\n"));
    assert!(
        text == SNAPSHOT,
        "the matrix has rows of what is gone, or another head"
    );
}

/// The rows of a written matrix.
fn cells(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let (name, cells) = line.rsplit_once("  ")?;
            Some((name.trim_end(), cells))
        })
}
